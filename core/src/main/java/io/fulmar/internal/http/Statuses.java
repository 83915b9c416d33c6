package io.fulmar.internal.http;

import io.fulmar.Action;
import io.fulmar.HttpDestination.Outcome;
import io.fulmar.internal.http.HttpTarget.Request;

/** What a status says of a request when nothing else was agreed (RFC 9110, section 15). */
final class Statuses {
  private Statuses() {}

  static Outcome outcome(HttpTarget target, Action action, Request request, int status) {
    Outcome agreed = target.outcomes().get(status);
    if (agreed != null) {
      return agreed;
    }
    if (status >= 200 && status < 300) {
      return target.reader() == null ? Outcome.ACCEPTED : Outcome.READ;
    }
    boolean isOfRecord = !request.uri().columns().isEmpty();
    return switch (status) {
      case 401, 403, 405, 407, 415, 501, 505 -> Outcome.STOP;
      case 425, 429, 503 -> Outcome.RETRY;
      case 408 -> Outcome.UNKNOWN;
      case 404, 410 -> isOfRecord ? ofAbsent(action) : Outcome.STOP;
      default ->
          status >= 300 && status < 400
              ? Outcome.STOP
              : status >= 400 && status < 500 ? Outcome.REJECTED : Outcome.UNKNOWN;
    };
  }

  /** The record is not there. */
  private static Outcome ofAbsent(Action action) {
    return switch (action) {
      case DELETE, CLEAR -> Outcome.ACCEPTED;
      case UPDATE -> Outcome.SKIPPED;
      case INSERT, UPSERT -> Outcome.REJECTED;
    };
  }

  /** What to do about a status that stops the run. */
  static String remedy(int status) {
    if (status >= 300 && status < 400) {
      return "Redirects are not followed: give the address that it leads to";
    }
    return switch (status) {
      case 401, 403, 407 -> "Check the token, and what it may do";
      case 404, 405, 410, 501 -> "Check method and path of the request";
      case 415 -> "Check the header Content-Type";
      default -> "Look into the documentation of the API";
    };
  }
}
