export { EnvironmentError, flag, port, readEnvironment, type Environment } from './environment';
export { instruments } from './instruments';
export { createLogger, type Logger } from './logger';
export { processEnvironment, runProcess } from './run-process';
export { createContext, type HealthCheck, type RunningService, type ServiceContext } from './service';
export { startTelemetry, telemetryEnvironment, type Telemetry } from './telemetry';
