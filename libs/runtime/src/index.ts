export { EnvironmentError, flag, port, readEnvironment, type Environment } from './environment';
export { createLogger, type Logger } from './logger';
export { type HealthCheck, type RunningService, type ServiceContext } from './service';
