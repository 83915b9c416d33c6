package io.fulmar.internal.postgres;

import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Errors as the driver makes them from the message of a server. */
public final class ServerErrors {
  private ServerErrors() {}

  /**
   * An error of the server (PostgreSQL manual, "Error and Notice Message Fields").
   *
   * @param state its SQLSTATE
   * @param routine that reports it in the server's source
   * @param message its primary message, in any language
   */
  public static PSQLException of(String state, String routine, String message) {
    return new PSQLException(
        new ServerErrorMessage("SERROR\0C%s\0M%s\0R%s\0".formatted(state, message, routine)));
  }
}
