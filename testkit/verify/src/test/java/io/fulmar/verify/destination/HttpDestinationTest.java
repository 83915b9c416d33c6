package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static io.fulmar.verify.destination.ValueRow.change;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.HttpDestination;
import io.fulmar.HttpDestination.Outcome;
import io.fulmar.JsonVerdicts;
import io.fulmar.Operation;
import io.fulmar.Secret;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import io.fulmar.verify.fault.ForkedJvm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Servers that say exactly what a test wants: what goes over the wire, what each status comes to,
 * and that no server can make a call last, grow or lead elsewhere.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
@Timeout(60)
class HttpDestinationTest {
  // The server closes each connection, so it must not let the client use it again.
  private static final String OK =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  private static final String CANARY = "canary-91c4";

  @TempDir Path directory;

  private static HttpDestination.Builder to(RawServer server) {
    return HttpDestination.builder(server.uri())
        .allowPlainHttp()
        .allowPrivateAddresses()
        .request(Action.UPSERT, "PUT", "contacts/{id}")
        .request(Action.UPDATE, "PATCH", "contacts/{id}")
        .request(Action.INSERT, "POST", "contacts")
        .request(Action.DELETE, "DELETE", "contacts/{id}");
  }

  private static HttpDestination.Builder batchTo(RawServer server) {
    return HttpDestination.builder(server.uri())
        .allowPlainHttp()
        .allowPrivateAddresses()
        .batchesOf(100)
        .request(Action.UPSERT, "POST", "batch");
  }

  private static Change row(Object id) {
    return change(Operation.ADDED, 5, "id", id, "name", CANARY);
  }

  private static String status(int status, String... headers) {
    return "HTTP/1.1 %d X\r\n%sConnection: close\r\nContent-Length: 0\r\n\r\n"
        .formatted(status, headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n");
  }

  @Test
  void requestHasWhatTheApiNeeds() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      Change change = row(1);
      Delivery delivery =
          write(
              to(server)
                  .bearerToken(Secret.of("t0ken"))
                  .header("X-Tenant", "shop")
                  .sequenceMember("version")
                  .changeIdMember("change")
                  .build(),
              Action.UPSERT,
              change);
      assertThat(verdicts(delivery, change)).containsExactly("accepted");
      assertThat(server.heads().get(0))
          .startsWith("PUT /contacts/1 HTTP/1.1\r\n")
          .containsIgnoringCase("\r\nAuthorization: Bearer t0ken\r\n")
          .containsIgnoringCase("\r\nX-Tenant: shop\r\n")
          .containsIgnoringCase("\r\nContent-Type: application/json\r\n")
          .containsIgnoringCase("\r\nIdempotency-Key: " + change.changeId() + "\r\n")
          .doesNotContainIgnoringCase("Accept-Encoding")
          .doesNotContainIgnoringCase("Upgrade:");
      assertThat(server.bodies())
          .containsExactly(
              "{\"change\":\"%s\",\"version\":5,\"id\":1,\"name\":\"%s\"}"
                  .formatted(change.changeId(), CANARY));
    }
  }

  @Test
  void deleteHasNoBodyAndAnArrayItsMember() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      write(to(server).build(), Action.DELETE, change(Operation.REMOVED, 1, "id", 7));
      assertThat(server.heads().get(0)).startsWith("DELETE /contacts/7 ");
      write(batchTo(server).arrayMember("the \"rows\"").build(), Action.UPSERT, row(1), row(2));
      assertThat(server.bodies())
          .containsExactly(
              "",
              "{\"the \\\"rows\\\"\":[{\"id\":1,\"name\":\"%1$s\"},{\"id\":2,\"name\":\"%1$s\"}]}"
                  .formatted(CANARY));
    }
  }

  @Test
  @DisplayName("P2: a batch has the same idempotency key each time, and another batch another one")
  void batchHasAStableKey() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      Destination destination = batchTo(server).idempotencyHeader("X-Once").build();
      write(destination, Action.UPSERT, row(1), row(2));
      write(destination, Action.UPSERT, row(1), row(2));
      write(destination, Action.UPSERT, row(1), row(3));
      write(batchTo(server).withoutIdempotencyHeader().build(), Action.UPSERT, row(1));
      List<String> keys =
          server.heads().stream()
              .map(
                  head ->
                      head.lines()
                          .filter(
                              line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("x-once:"))
                          .findFirst()
                          .orElse("none"))
              .toList();
      assertThat(keys.get(0)).matches("(?i)x-once: [0-9a-f]{32}").isEqualTo(keys.get(1));
      assertThat(keys.get(2)).matches("(?i)x-once: [0-9a-f]{32}").isNotEqualTo(keys.get(0));
      assertThat(keys.get(3)).isEqualTo("none");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a/b?c#d|a%2Fb%3Fc%23d",
        "../x|..%2Fx",
        "%2e%2e|%252e%252e",
        "a b+c&d=e;f|a%20b%2Bc%26d%3De%3Bf",
        "\u00fc\ud83d\ude00|%C3%BC%F0%9F%98%80",
        "A-z_0.9~|A-z_0.9~",
        "{id}|%7Bid%7D",
        "$1\\|%241%5C"
      })
  void keyIsPercentEncoded(String key, String encoded) throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      write(to(server).build(), Action.UPSERT, row(key));
      assertThat(server.heads().get(0)).startsWith("PUT /contacts/" + encoded + " HTTP/1.1\r\n");
    }
  }

  @Test
  @DisplayName("J-10: a key that would lead to another path is rejected, and nothing is sent")
  void keyWithoutAPathIsRejected() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      for (Object key : new Object[] {"", ".", "..", null, "x\ud800"}) {
        Change change = change(Operation.REMOVED, 1, "id", key);
        assertThat(verdicts(write(to(server).build(), Action.DELETE, change), change))
            .containsExactly("FULMAR_VALUE_WITHOUT_FORM");
      }
      assertThat(server.connections()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "UPSERT, 200, accepted",
    "UPSERT, 201, accepted",
    "UPSERT, 202, accepted",
    "UPSERT, 204, accepted",
    "DELETE, 404, accepted",
    "DELETE, 410, accepted",
    "UPDATE, 404, skipped",
    "UPSERT, 404, HTTP_404",
    "UPSERT, 400, HTTP_400",
    "INSERT, 409, HTTP_409",
    "UPSERT, 413, HTTP_413",
    "UPSERT, 422, HTTP_422",
    "UPSERT, 451, HTTP_451"
  })
  void statusOfARecordIsItsVerdict(Action action, int status, String verdict) throws Exception {
    try (RawServer server = RawServer.saying(status(status))) {
      Change change = row(1);
      assertThat(verdicts(write(to(server).build(), action, change), change))
          .containsExactly(verdict);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 301, 304, 308, 401, 403, 405, 407, 415, 501, 505})
  void statusOfTheApiStopsTheRun(int status) throws Exception {
    try (RawServer server = RawServer.saying(status(status))) {
      assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessageStartingWith(
              "Cannot call http://127.0.0.1:%d: the server answered %d. "
                  .formatted(server.port(), status))
          .hasMessageEndingWith(".")
          .hasMessageNotContaining(CANARY)
          .extracting(e -> ((StopRunException) e).code())
          .isEqualTo("HTTP_" + status);
    }
  }

  @Test
  void missingEndpointStopsTheRunWhereNoKeyIsInThePath() throws Exception {
    try (RawServer server = RawServer.saying(status(404))) {
      assertThatThrownBy(() -> write(batchTo(server).build(), Action.UPSERT, row(1)))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessageContaining("answered 404. Check method and path of the request.");
    }
  }

  @Test
  @DisplayName("J-05: 429 and 503 are not applied, and Retry-After is kept, in both of its forms")
  void busyServerIsAskedLater() throws Exception {
    for (int status : new int[] {425, 429, 503}) {
      try (RawServer server = RawServer.saying(status(status, "Retry-After: 17"))) {
        assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
            .isExactlyInstanceOf(NotAppliedException.class)
            .hasMessage(
                "Cannot call http://127.0.0.1:%d: the server answered %d"
                    .formatted(server.port(), status))
            .extracting(e -> ((NotAppliedException) e).retryAfter())
            .isEqualTo(Duration.ofSeconds(17));
      }
    }
    String dated =
        status(
            429,
            "Date: Sat, 28 Nov 2026 10:00:00 GMT",
            "Retry-After: Sat, 28 Nov 2026 10:01:00 GMT");
    try (RawServer server = RawServer.saying(dated)) {
      assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
          .extracting(e -> ((NotAppliedException) e).retryAfter())
          .isEqualTo(Duration.ofMinutes(1));
    }
    try (RawServer server = RawServer.saying(status(429, "Retry-After: soon"))) {
      assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
          .extracting(e -> ((NotAppliedException) e).retryAfter())
          .isNull();
    }
  }

  @Test
  @DisplayName("J-05: a batch that is too large or refused is rejected whole, to be halved")
  void refusedBatchIsHalved() throws Exception {
    for (int status : new int[] {400, 413, 422}) {
      try (RawServer server = RawServer.saying(status(status))) {
        assertThatThrownBy(() -> write(batchTo(server).build(), Action.UPSERT, row(1), row(2)))
            .isExactlyInstanceOf(BatchRejectedException.class)
            .hasMessage("the server answered " + status)
            .extracting(e -> ((BatchRejectedException) e).code())
            .isEqualTo("HTTP_" + status);
      }
    }
  }

  @Test
  @DisplayName("J-03: a server error, and a connection that breaks, leave the outcome unknown")
  void serverErrorIsUnknown() throws Exception {
    for (int status : new int[] {408, 500, 502, 504}) {
      try (RawServer server = RawServer.saying(status(status))) {
        assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
            .isExactlyInstanceOf(IOException.class)
            .hasMessage("the server answered " + status);
      }
    }
    for (String broken : List.of("", "HTTP/1.1 20", "no http\r\n\r\n")) {
      try (RawServer server = RawServer.saying(broken)) {
        assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
            .isExactlyInstanceOf(IOException.class)
            .hasMessage("the connection failed");
      }
    }
  }

  @Test
  void refusedConnectionIsNotApplied() throws Exception {
    RawServer server = RawServer.saying(OK);
    server.close();
    assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
        .isExactlyInstanceOf(NotAppliedException.class)
        .hasMessage(
            "Cannot call http://127.0.0.1:%d: it takes no connection".formatted(server.port()));
    HttpDestination nowhere =
        HttpDestination.builder(URI.create("https://no-such-host.invalid"))
            .request(Action.UPSERT, "PUT", "{id}")
            .build();
    assertThatThrownBy(() -> write(nowhere, Action.UPSERT, row(1)))
        .isExactlyInstanceOf(NotAppliedException.class)
        .hasMessage("Cannot call https://no-such-host.invalid: the name has no address");
  }

  @Test
  void outcomeOfAStatusCanBeChanged() throws Exception {
    Change change = row(1);
    try (RawServer server = RawServer.saying(status(409))) {
      Delivery delivery =
          write(to(server).outcome(409, Outcome.SKIPPED).build(), Action.INSERT, change);
      assertThat(verdicts(delivery, change)).containsExactly("skipped");
      assertThatThrownBy(
              () -> write(to(server).outcome(409, Outcome.UNKNOWN).build(), Action.INSERT, change))
          .isExactlyInstanceOf(IOException.class);
      assertThatThrownBy(
              () -> write(to(server).outcome(409, Outcome.RETRY).build(), Action.INSERT, change))
          .isExactlyInstanceOf(NotAppliedException.class);
      assertThatThrownBy(
              () -> write(to(server).outcome(409, Outcome.STOP).build(), Action.INSERT, change))
          .isExactlyInstanceOf(StopRunException.class);
    }
    try (RawServer server = RawServer.saying(status(500))) {
      assertThat(
              verdicts(
                  write(to(server).outcome(500, Outcome.REJECTED).build(), Action.INSERT, change),
                  change))
          .containsExactly("HTTP_500");
    }
  }

  private static String json(String body) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(body.getBytes(StandardCharsets.UTF_8).length, body);
  }

  @Test
  @DisplayName("J-05: the answer to a batch gives each row its verdict")
  void answerGivesVerdicts() throws Exception {
    JsonVerdicts.Builder verdicts =
        JsonVerdicts.builder("/data/items")
            .accepted("/ok", "true")
            .skipped("/why", "PRESENT")
            .code("/why")
            .message("/text")
            .retryCodes("BUSY");
    Change[] changes = {row(1), row(2), row(3), row(4)};
    String body =
        """
        {"data": {"items": [
          {"ok": true}, {"ok": false, "why": "PRESENT"},
          {"ok": "no", "why": "BAD CODE\\n1", "text": "not so"}, {"why": "BUSY"}]}}
        """;
    try (RawServer server = RawServer.saying(json(body))) {
      Delivery delivery =
          write(batchTo(server).verdicts(verdicts.build()).build(), Action.UPSERT, changes);
      assertThat(delivery.unnamed()).isEqualTo(Delivery.Unnamed.UNKNOWN);
      assertThat(delivery.answers())
          .extracting(Delivery.Answer::verdict)
          .containsExactly(
              new Verdict.Accepted(),
              new Verdict.Skipped(),
              new Verdict.Rejected("BAD_CODE_1", "not so", Verdict.Retry.NEXT_RUN),
              new Verdict.Rejected("BUSY", "refused by the API", Verdict.Retry.THIS_RUN));
    }
  }

  @Test
  void answerMayNameChanges() throws Exception {
    Change[] changes = {row(1), row(2), row(3)};
    String body =
        "[{\"id\": \"%s\", \"ok\": 1}, {\"id\": \"%s\", \"ok\": 0}]"
            .formatted(changes[2].changeId(), changes[0].changeId());
    try (RawServer server = RawServer.saying(json(body))) {
      Delivery delivery =
          write(
              batchTo(server)
                  .verdicts(JsonVerdicts.builder("").accepted("ok", "1").changeId("id").build())
                  .build(),
              Action.UPSERT,
              changes);
      assertThat(delivery.unnamed()).isEqualTo(Delivery.Unnamed.UNKNOWN);
      assertThat(delivery.answers())
          .extracting(Delivery.Answer::changeId)
          .containsExactly(changes[2].changeId(), changes[0].changeId());
    }
  }

  @ParameterizedTest
  @DisplayName("J-02: an answer that cannot be read leaves the whole batch unknown")
  @ValueSource(
      strings = {
        "",
        "{",
        "[1",
        "no json",
        "{}",
        "{\"results\": 1}",
        "{\"results\": []}",
        "{\"results\": [{\"ok\": true}]}",
        "{\"results\": [1, 2, 3]}",
        "{\"results\": [1, 2]} {}"
      })
  void unreadableAnswerIsUnknown(String body) throws Exception {
    try (RawServer server = RawServer.saying(json(body))) {
      assertThatThrownBy(
              () ->
                  write(
                      batchTo(server)
                          .verdicts(JsonVerdicts.builder("results").accepted("ok", "true").build())
                          .build(),
                      Action.UPSERT,
                      row(1),
                      row(2)))
          .isExactlyInstanceOf(IOException.class)
          .hasMessageStartingWith("the answer ");
    }
  }

  @Test
  @DisplayName("J-10: an answer nested without end is refused")
  void deepAnswerIsRefused() throws Exception {
    try (RawServer server = RawServer.saying(json("[".repeat(200_000)))) {
      assertThatThrownBy(
              () ->
                  write(
                      batchTo(server)
                          .verdicts(JsonVerdicts.builder("results").accepted("ok", "true").build())
                          .build(),
                      Action.UPSERT,
                      row(1)))
          .isExactlyInstanceOf(IOException.class)
          .hasMessage("the answer is empty, cut off or nested too deeply");
    }
  }

  @Test
  @DisplayName("J-10: a redirect is not followed, wherever it leads")
  void redirectIsNotFollowed() throws Exception {
    try (RawServer other = RawServer.saying(OK)) {
      for (String target : List.of("http://169.254.169.254/latest", other.uri().toString())) {
        for (int status : new int[] {301, 302, 303, 307, 308}) {
          try (RawServer server = RawServer.saying(status(status, "Location: " + target))) {
            assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
                .isExactlyInstanceOf(StopRunException.class)
                .hasMessageEndingWith(
                    "answered %d. Redirects are not followed: give the address that it leads to."
                        .formatted(status));
          }
        }
      }
      assertThat(other.connections()).isZero();
    }
    assertThatThrownBy(
            () ->
                HttpDestination.builder(URI.create("https://example.org"))
                    .client(
                        HttpClient.newBuilder()
                            .followRedirects(HttpClient.Redirect.ALWAYS)
                            .build()))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("client must not follow redirects");
  }

  @ParameterizedTest
  @DisplayName(
      "J-10: private addresses are refused before anything is sent, however they are written")
  @ValueSource(
      strings = {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"})
  void privateAddressIsRefused(String host) throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      HttpDestination destination =
          HttpDestination.builder(URI.create("http://" + host + ":" + server.port()))
              .allowPlainHttp()
              .request(Action.UPSERT, "PUT", "{id}")
              .clear("DELETE", "all")
              .build();
      assertThatThrownBy(() -> write(destination, Action.UPSERT, row(1)))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessageStartingWith(
              "Cannot call http://" + host + ":" + server.port() + ": it leads to ")
          .hasMessageEndingWith(
              " and not of the public internet. Give the right address, or call allowPrivateAddresses().");
      assertThatThrownBy(() -> destination.clear(TableFixture.RUN))
          .isExactlyInstanceOf(StopRunException.class);
      assertThat(server.connections()).isZero();
    }
  }

  @Test
  @DisplayName(
      "J-10: a name that comes to lead to a private address is refused at the next request")
  void reboundNameIsRefused() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      Path hosts = directory.resolve("hosts");
      Files.writeString(hosts, "198.41.0.4 rebound.example\n");
      ForkedJvm.End end =
          ForkedJvm.run(
              directory.resolve("output"),
              List.of("-Djdk.net.hosts.file=" + hosts, "-XX:TieredStopAtLevel=1"),
              ReboundName.class,
              List.of(hosts.toString(), Integer.toString(server.port())));
      assertThat(end.output()).isEqualTo("NotAppliedException\nADDRESS_REFUSED\n");
      assertThat(server.connections()).isZero();
    }
  }

  /** Calls a name twice; in between it comes to lead to this machine. */
  static final class ReboundName {
    private ReboundName() {}

    public static void main(String[] args) throws Exception {
      java.security.Security.setProperty("networkaddress.cache.ttl", "0");
      HttpDestination destination =
          HttpDestination.builder(URI.create("http://rebound.example:" + args[1]))
              .allowPlainHttp()
              .connectTimeout(Duration.ofMillis(50))
              .request(Action.UPSERT, "PUT", "{id}")
              .build();
      try {
        write(destination, Action.UPSERT, row(1));
      } catch (NotAppliedException e) {
        System.out.println(e.getClass().getSimpleName());
      }
      Files.writeString(Path.of(args[0]), "127.0.0.1 rebound.example\n");
      try {
        write(destination, Action.UPSERT, row(1));
      } catch (StopRunException e) {
        System.out.println(e.code());
      }
    }
  }

  @Test
  @DisplayName("J-10: no header holds a line break, not out of a secret either")
  void headerWithALineBreakIsRefused() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      for (String value : List.of("a\r\nX: y", "a\nb", "a\rb", "a\0b", "\u00fc", "a\u007f")) {
        assertThatThrownBy(() -> to(server).header("X-Tenant", value))
            .isExactlyInstanceOf(IllegalArgumentException.class)
            .hasMessage("value must be of visible ASCII, blanks and tabs, without line breaks");
        String secret = CANARY + value;
        for (HttpDestination.Builder builder :
            List.of(
                to(server).header("X-Token", Secret.of(secret)),
                to(server).bearerToken(Secret.of(secret)))) {
          assertThatThrownBy(() -> write(builder.build(), Action.UPSERT, row(1)))
              .isExactlyInstanceOf(StopRunException.class)
              .hasMessageContaining("its value holds a character that no header can")
              .hasMessageNotContaining(CANARY);
        }
      }
      for (String name :
          List.of("X\r\nY", "X:", "", "Host", "content-length", "Connection", "\u00fc")) {
        assertThatThrownBy(() -> to(server).header(name, "x"))
            .isExactlyInstanceOf(IllegalArgumentException.class)
            .hasMessage("name must be that of a header which can be set");
      }
      assertThatThrownBy(
              () ->
                  write(
                      to(server)
                          .header(
                              "X",
                              Secret.of(
                                  () -> {
                                    throw new IllegalStateException(CANARY);
                                  }))
                          .build(),
                      Action.UPSERT,
                      row(1)))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessage(
              "Cannot read the secret of the header X: its supplier threw java.lang.IllegalStateException. Look into it.");
      assertThat(server.connections()).isZero();
    }
  }

  @Test
  @DisplayName("J-10: of an answer of 10 GB no more is read than is allowed")
  void hugeAnswerIsCutOff() throws Exception {
    AtomicLong written = new AtomicLong();
    CountDownLatch ended = new CountDownLatch(2);
    RawServer.Answer endless =
        out -> {
          try {
            out.write(
                "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
                    .getBytes(StandardCharsets.UTF_8));
            byte[] bytes = new byte[64 << 10];
            for (long i = 0; i < 10_000_000_000L; i += bytes.length) {
              out.write(bytes);
              written.addAndGet(bytes.length);
            }
          } finally {
            ended.countDown();
          }
        };
    try (RawServer server = new RawServer(endless)) {
      Change change = row(1);
      Delivery delivery = write(to(server).build(), Action.UPSERT, change);
      assertThat(verdicts(delivery, change))
          .as("its status says it all")
          .containsExactly("accepted");
      assertThatThrownBy(
              () ->
                  write(
                      batchTo(server)
                          .verdicts(JsonVerdicts.builder("").accepted("ok", "1").build())
                          .build(),
                      Action.UPSERT,
                      row(1)))
          .isExactlyInstanceOf(IOException.class)
          .hasMessage("the answer is longer than maxAnswerBytes");
      assertThat(ended.await(20, TimeUnit.SECONDS)).as("the connections are closed").isTrue();
      assertThat(written.get()).isLessThan(200 << 20);
      System.out.printf("of 2 answers of 10 GB the server got rid of %,d bytes%n", written.get());
    }
  }

  @Test
  @DisplayName("J-10: an answer that is packed, which was not asked for, is not unpacked")
  void packedAnswerIsNotRead() throws Exception {
    String packed =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\u001f\u001f\u0008";
    try (RawServer server = RawServer.saying(packed)) {
      assertThatThrownBy(
              () ->
                  write(
                      batchTo(server)
                          .verdicts(JsonVerdicts.builder("").accepted("ok", "1").build())
                          .build(),
                      Action.UPSERT,
                      row(1)))
          .isExactlyInstanceOf(IOException.class)
          .hasMessage("the answer is encoded, which was not asked for");
    }
  }

  /** Answers byte by byte, too slowly to come to an end; a silence never lasts long. */
  private static RawServer.Answer dripping(String head, CountDownLatch end) {
    return out -> {
      out.write(head.getBytes(StandardCharsets.UTF_8));
      do {
        out.write('x');
        out.flush();
      } while (!end.await(20, TimeUnit.MILLISECONDS));
    };
  }

  @Test
  @DisplayName("J-10: a server that answers byte by byte is cut off in time")
  void slowAnswerIsCutOff() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    for (String head :
        List.of(
            "", "HTTP/1.1 200 OK\r\nX-Slow: ", "HTTP/1.1 500 X\r\nContent-Length: 99999\r\n\r\n")) {
      try (RawServer server = new RawServer(dripping(head, end))) {
        long began = System.nanoTime();
        assertThatThrownBy(
                () ->
                    write(
                        to(server).requestTimeout(Duration.ofMillis(400)).build(),
                        Action.UPSERT,
                        row(1)))
            .isInstanceOf(IOException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
      }
    }
    try (RawServer server =
        new RawServer(dripping("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", end))) {
      Change change = row(1);
      Delivery delivery =
          write(to(server).requestTimeout(Duration.ofSeconds(1)).build(), Action.UPSERT, change);
      assertThat(verdicts(delivery, change))
          .as("its status says it all")
          .containsExactly("accepted");
      assertThatThrownBy(
              () ->
                  write(
                      batchTo(server)
                          .requestTimeout(Duration.ofSeconds(1))
                          .verdicts(JsonVerdicts.builder("").accepted("ok", "1").build())
                          .build(),
                      Action.UPSERT,
                      row(1)))
          .isExactlyInstanceOf(HttpTimeoutException.class)
          .hasMessage("no whole answer within PT1S");
    }
    end.countDown();
  }

  @Test
  void deadlineOfTheCallBoundsARequest() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    try (RawServer server = new RawServer(out -> end.await());
        Writer writer =
            to(server)
                .requestTimeout(Duration.ofHours(1))
                .build()
                .open(new RunContext("crm", 1, 1, Duration.ofSeconds(1)))) {
      assertThatThrownBy(() -> writer.write(new Batch(Action.UPSERT, List.of(row(1)))))
          .isExactlyInstanceOf(HttpTimeoutException.class)
          .hasMessage("no whole answer within PT0.8S");
      end.countDown();
    }
  }

  @Test
  @DisplayName("A-09: an interrupt ends a request that hangs")
  void interruptEndsARequest() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    RawServer.Answer hanging =
        out -> {
          asked.countDown();
          end.await();
        };
    try (RawServer server = new RawServer(hanging)) {
      Thread caller = Thread.currentThread();
      Thread interrupter =
          new Thread(
              () -> {
                try {
                  asked.await();
                } catch (InterruptedException e) {
                  return;
                }
                caller.interrupt();
              });
      interrupter.start();
      assertThatThrownBy(() -> write(to(server).build(), Action.UPSERT, row(1)))
          .isExactlyInstanceOf(InterruptedException.class);
      interrupter.join();
      end.countDown();
    }
  }

  @Test
  void silentPortIsNotApplied() throws Exception {
    // A backlog that is full takes no connection more.
    try (ServerSocket full = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
        java.net.Socket one = new java.net.Socket(full.getInetAddress(), full.getLocalPort());
        java.net.Socket two = new java.net.Socket(full.getInetAddress(), full.getLocalPort())) {
      assertThat(one.isConnected() && two.isConnected()).isTrue();
      HttpDestination destination =
          HttpDestination.builder(URI.create("http://127.0.0.1:" + full.getLocalPort()))
              .allowPlainHttp()
              .allowPrivateAddresses()
              .connectTimeout(Duration.ofMillis(300))
              .request(Action.UPSERT, "PUT", "{id}")
              .build();
      assertThatThrownBy(() -> write(destination, Action.UPSERT, row(1)))
          .isExactlyInstanceOf(NotAppliedException.class)
          .hasMessageEndingWith(": it takes no connection");
    }
  }

  /** A key pair of its own for 127.0.0.1, or for another host, as a context of either side. */
  private SSLContext tls(String name, String subject) throws Exception {
    Path file = directory.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "key",
                "-keyalg",
                "EC",
                "-dname",
                "CN=test",
                "-ext",
                "san=" + subject,
                "-storepass",
                "changeit",
                "-keystore",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(name + ".out").toFile())
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance(file.toFile(), "changeit".toCharArray());
    KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(keys, "changeit".toCharArray());
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("key", keys.getCertificate("key"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static HttpDestination.Builder secure(HttpsServer server) {
    return HttpDestination.builder(URI.create("https://127.0.0.1:" + server.getAddress().getPort()))
        .allowPrivateAddresses()
        .request(Action.UPSERT, "PUT", "{id}");
  }

  private static void assertRefused(HttpDestination destination) {
    assertThatThrownBy(() -> write(destination, Action.UPSERT, row(1)))
        .isExactlyInstanceOf(StopRunException.class)
        .hasMessageEndingWith(
            ": its certificate is not trusted, or is of another host. Check the address, or add its authority to the trust store of the JVM.")
        .extracting(e -> ((StopRunException) e).code())
        .isEqualTo("TLS");
  }

  @Test
  @DisplayName("S-01: a certificate that is not trusted, or is of another host, stops the run")
  void certificateIsVerified() throws Exception {
    for (String subject : List.of("ip:127.0.0.1", "dns:other.example")) {
      SSLContext context = tls(subject.replace(':', '-'), subject);
      HttpsServer server =
          HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setHttpsConfigurator(new HttpsConfigurator(context));
      List<String> requests = new CopyOnWriteArrayList<>();
      server.createContext(
          "/",
          exchange -> {
            requests.add(exchange.getRequestURI().getPath());
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
          });
      server.start();
      try {
        assertRefused(secure(server).build());
        HttpDestination trusting =
            secure(server).client(HttpClient.newBuilder().sslContext(context).build()).build();
        if (subject.startsWith("dns")) {
          assertRefused(trusting);
          assertThat(requests).isEmpty();
        } else {
          Change change = row(1);
          assertThat(verdicts(write(trusting, Action.UPSERT, change), change))
              .containsExactly("accepted");
          assertThat(requests).containsExactly("/1");
        }
      } finally {
        server.stop(0);
      }
    }
  }

  @Test
  void bodyThatIsTooLongIsNotSent() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      assertThatThrownBy(
              () ->
                  write(batchTo(server).maxRequestBytes(50).build(), Action.UPSERT, row(1), row(2)))
          .isExactlyInstanceOf(BatchRejectedException.class)
          .hasMessage("the body would be longer than maxRequestBytes")
          .extracting(e -> ((BatchRejectedException) e).code())
          .isEqualTo("FULMAR_ROW_TOO_LARGE");
      assertThat(server.connections()).isZero();
      write(batchTo(server).maxRequestBytes(50).build(), Action.UPSERT, row(1));
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void rowWithoutAFormIsRejectedAndTheOthersPass() throws Exception {
    try (RawServer server = RawServer.saying(OK)) {
      Change[] changes = {row(1), change(Operation.ADDED, 1, "id", 2, "name", "\ud800"), row(3)};
      Delivery delivery = write(batchTo(server).build(), Action.UPSERT, changes);
      assertThat(verdicts(delivery, changes))
          .containsExactly("accepted", "FULMAR_VALUE_WITHOUT_FORM", "accepted");
      assertThat(server.bodies().get(0))
          .startsWith("[{\"id\":1,")
          .contains("},{\"id\":3,")
          .endsWith("}]");
      assertThatThrownBy(
              () -> write(batchTo(server).changeIdMember("name").build(), Action.UPSERT, row(1)))
          .isExactlyInstanceOf(StopRunException.class)
          .hasMessageStartingWith("Cannot write the body: name is a column, too.");
    }
  }

  @Test
  void oneWriterKeepsItsConnection() throws Exception {
    try (RecordServer server = new RecordServer();
        Writer writer =
            server
                .destination()
                .request(Action.UPSERT, "PUT", "records/{id}")
                .build()
                .open(TableFixture.RUN)) {
      for (int i = 0; i < 5; i++) {
        writer.write(new Batch(Action.UPSERT, List.of(row(i))));
      }
      assertThat(server.records()).hasSize(5);
      assertThat(server.requests()).hasSize(5);
    }
  }

  @Test
  void builderSaysWhatIsWrong() {
    for (String base :
        List.of(
            "ftp://example.org", "example.org", "https:/x", "file:///etc/passwd", "mailto:a@b")) {
      assertThatThrownBy(() -> HttpDestination.builder(URI.create(base)))
          .as(base)
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("base must be an https URI with a host");
    }
    for (String base : List.of("https://u:p@h", "https://h?token=x", "https://h#x")) {
      assertThatThrownBy(() -> HttpDestination.builder(URI.create(base)))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("base must have no user, query or fragment: secrets go into headers");
    }
    HttpDestination.Builder plain =
        HttpDestination.builder(URI.create("http://h")).request(Action.UPSERT, "PUT", "{id}");
    assertThatThrownBy(plain::build)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("the base is not https: call allowPlainHttp()");
    HttpDestination.Builder secure = HttpDestination.builder(URI.create("https://h/v1/"));
    assertThatThrownBy(secure::build)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("request(...) is missing");
    for (String method : List.of("GET", "head", "TRACE", "CONNECT", "", "P T", "P\r\n")) {
      assertThatThrownBy(() -> secure.request(Action.UPSERT, method, "x"))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("method must be one that changes something");
    }
    for (String path : List.of("../x", "a/./b", "x#y")) {
      assertThatThrownBy(() -> secure.request(Action.UPSERT, "PUT", path))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("path must have no fragment and no dot segments");
    }
    secure.request(Action.UPSERT, "PUT", "x/{id}?v=1");
    assertThatThrownBy(() -> secure.batchesOf(10).build())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("batchesOf(...) and columns in a path exclude each other");
    assertThatThrownBy(() -> secure.clear("DELETE", "x/{id}"))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("path must not name a column");
    HttpDestination destination =
        HttpDestination.builder(URI.create("https://h:8443/v1/"))
            .request(Action.UPSERT, "PUT", "{id}")
            .bearerToken(Secret.of(CANARY))
            .build();
    assertThat(destination.identity()).isEqualTo("http:h:8443/v1");
    assertThat(destination.toString()).isEqualTo("HttpDestination[http:h:8443/v1]");
    assertThat(new HttpDestination.Answer(200, java.util.Map.of(), CANARY).toString())
        .isEqualTo("Answer[status=200]");
  }
}
