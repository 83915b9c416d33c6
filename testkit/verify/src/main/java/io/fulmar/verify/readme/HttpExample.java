package io.fulmar.verify.readme;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Iterator;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The destination that README.md shows under "Writing a destination". */
final class HttpExample {
  private HttpExample() {}

  // begin README
  /** Takes a line of JSON for each record and answers each with a line: "ok", or why not. */
  static Destination contacts(URI api, HttpClient http, Function<Change, String> json) {
    Capabilities capabilities =
        Capabilities.builder()
            .actions(Action.UPSERT, Action.DELETE)
            .maxRows(200)
            .rate(10, Duration.ofSeconds(1))
            .build();
    return Destination.of(
        "contacts:" + api.getHost(),
        capabilities,
        batch -> {
          String lines = batch.changes().stream().map(json).collect(Collectors.joining("\n"));
          HttpRequest request =
              HttpRequest.newBuilder(
                      api.resolve(batch.action() == Action.DELETE ? "delete" : "put"))
                  .timeout(Duration.ofSeconds(30)) // less than the sync's callDeadline
                  .POST(BodyPublishers.ofString(lines))
                  .build();
          HttpResponse<String> response;
          try {
            response = http.send(request, BodyHandlers.ofString());
          } catch (ConnectException e) { // any other exception: who knows
            throw new NotAppliedException("no connection", e);
          }
          switch (response.statusCode()) {
            case 200 -> {}
            case 401, 403 -> throw new StopRunException("NO_ACCESS", "the token is refused");
            case 413 -> throw new BatchRejectedException("TOO_LARGE", "too many bytes");
            case 429, 503 -> throw new NotAppliedException("asked to wait", retryAfter(response));
            default -> throw new IOException("status " + response.statusCode());
          }
          Iterator<String> answers = response.body().lines().iterator();
          Delivery.Builder delivery = Delivery.acceptedExcept();
          for (Change change : batch.changes()) {
            String answer = answers.next();
            if (!answer.equals("ok")) {
              delivery.rejected(change, answer, "refused by the API");
            }
          }
          return delivery.build();
        });
  }

  static Duration retryAfter(HttpResponse<?> response) {
    return Duration.ofSeconds(response.headers().firstValueAsLong("Retry-After").orElse(1));
  }
  // end README
}
