export { EnvironmentError, flag, port, readEnvironment, type Environment } from './environment';
export { instruments } from './instruments';
export { createLogger, type Logger } from './logger';
export { runProcess } from './run-process';
export { createContext, type HealthCheck, type RunningService, type ServiceContext } from './service';
export { startTelemetry, type Telemetry } from './telemetry';
