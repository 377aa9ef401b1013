export { type ProblemForm } from './answer-problem';
export { mediaTypeOf } from './bodies';
export { Exchange, shortHeader, type ExchangeFact } from './exchange';
export { HTTP_LIMITS, type HttpLimits } from './limits';
export { isLoopback } from './loopback';
export { HttpProblem, problemOf, unavailable, type ProblemOptions, type RenderedProblem } from './problem';
export { startHttp, type HttpOptions, type HttpService } from './start-http';
export { type TlsFiles } from './tls';
