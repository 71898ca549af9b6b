import type { AppControllerRoute, ControllerHandlerReturnType, HTTPStatus } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import { errorReply } from '../http/error-reply';

/** bull-board without the routes that change something: they do not exist, rather than being refused one by one. */
export class ReadOnlyBoard extends FastifyAdapter {
  private readonly onError: (error: unknown) => unknown;

  /** @param onError may make another error of what a route threw */
  constructor(onError: (error: unknown) => unknown) {
    super();
    this.onError = onError;
  }

  override setApiRoutes(routes: AppControllerRoute[]): FastifyAdapter {
    return super.setApiRoutes(routes.filter(({ method }) => method === 'get'));
  }

  /** bull-board's own handler would hand out the message of whatever was thrown. */
  override setErrorHandler(): this {
    return super.setErrorHandler((error): ControllerHandlerReturnType => {
      const { status, body } = errorReply(this.onError(error));
      return { status: status as HTTPStatus, body };
    });
  }
}
