import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Post,
  Req,
  Res,
  SerializeOptions,
} from '@nestjs/common';
import { Public } from './scope.js';
import type { Principal } from './scope.js';
import { type Session, sessionSchema, type SignIn, signInSchema } from './session.contract.js';
import type { IncomingRequest } from './session.js';
import { SessionService } from './session.service.js';

interface Reply {
  header(name: string, value: string): unknown;
}

/** Public: these routes are how somebody without a session gets one, sees that there is none, and leaves. */
@Controller('session')
@Public()
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Post()
  @HttpCode(200)
  @SerializeOptions({ schema: sessionSchema })
  async open(
    @Body({ schema: signInSchema }) { key }: SignIn,
    @Req() request: IncomingRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Session> {
    const { principal, cookie } = await this.sessions.open(request, key);
    reply.header('set-cookie', cookie);
    return sessionOf(principal);
  }

  @Get()
  @SerializeOptions({ schema: sessionSchema })
  async show(@Req() request: IncomingRequest): Promise<Session> {
    return sessionOf(await this.sessions.principalOf(request));
  }

  @Delete()
  @SerializeOptions({ schema: sessionSchema })
  close(@Req() request: IncomingRequest, @Res({ passthrough: true }) reply: Reply): Session {
    reply.header('set-cookie', this.sessions.close(request));
    return sessionOf(null);
  }
}

function sessionOf(principal: Principal | null): Session {
  if (principal === null) return { signedIn: false };
  return { signedIn: true, name: principal.name, scopes: principal.scopes };
}
