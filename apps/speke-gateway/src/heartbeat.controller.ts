import { Controller, Get } from '@nestjs/common';

/** SPEKE 1: an encryptor may ask whether its key provider lives. Deprecated in SPEKE 2; it needs no credential. */
@Controller()
export class HeartbeatController {
  @Get(['/heartbeat', '/speke/v1.0/heartbeat', '/speke/v2.0/heartbeat', '/speke/v2.1/heartbeat'])
  beat() {
    return { statusMessage: 'OK' };
  }
}
