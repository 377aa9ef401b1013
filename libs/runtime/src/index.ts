export { EnvironmentError, flag, port, readEnvironment, type Environment } from './environment';
export { instruments, takeMeasurement, type Measurement } from './instruments';
export { createLogger, type Logger } from './logger';
export { processEnvironment, runProcess } from './run-process';
export { createContext, type HealthCheck, type RunningService, type ServiceContext } from './service';
export { startTelemetry, startThreadTelemetry, telemetryEnvironment, type Telemetry } from './telemetry';
export { ThreadPort, ThreadPortClosed } from './thread-port';
