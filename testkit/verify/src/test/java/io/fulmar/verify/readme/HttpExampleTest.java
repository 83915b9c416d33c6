package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.sun.net.httpserver.HttpServer;
import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.FailureGroup;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * README.md's HTTP destination against a server that keeps records by id, refuses those without an
 * address, and answers the next calls with statuses that the test asks for.
 */
class HttpExampleTest {
  private static TestServer postgres;

  @TempDir Path state;

  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private final Deque<Integer> statuses = new ArrayDeque<>();
  private HttpServer server;
  private TestDatabase database;

  @BeforeAll
  static void startPostgres() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopPostgres() throws SQLException {
    SharedServer.clean();
  }

  @BeforeEach
  void start() throws Exception {
    database = postgres.createDatabase();
    database.execute(
        "create table customer (id bigint primary key, email text)",
        "insert into customer select i, 'mail' || i from generate_series(1, 5) i",
        "update customer set email = null where id = 3");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          requests.add(exchange.getRequestURI().getPath() + " " + body.lines().sorted().toList());
          Integer status = statuses.poll();
          String answer =
              body.lines()
                  .map(line -> line.contains("null") ? "NO_ADDRESS" : "ok")
                  .collect(Collectors.joining("\n"));
          byte[] bytes = status == null ? answer.getBytes(StandardCharsets.UTF_8) : new byte[0];
          exchange.getResponseHeaders().add("Retry-After", "0");
          exchange.sendResponseHeaders(
              status == null ? 200 : status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private SyncReport run() {
    InetSocketAddress address = server.getAddress();
    URI api = URI.create("http://%s:%d/".formatted(address.getHostString(), address.getPort()));
    Destination contacts =
        HttpExample.contacts(api, HttpClient.newHttpClient(), HttpExampleTest::line);
    assertThat(contacts.identity()).isEqualTo("contacts:" + address.getHostString());
    Sync sync =
        Sync.builder("contacts")
            .model(Model.query("customers", "select id, email from customer").key("id"))
            .to(contacts)
            .onRemoved(Removal.DELETE)
            .retryFor(Duration.ofSeconds(20))
            .build();
    try (SyncEngine engine = StandardEngine.on(Source.of(database.dataSource()), state)) {
      SyncReport report = engine.run(sync);
      assertThat(engine.status(sync).holds(HoldKind.REJECTED)).isEqualTo(report.total().failed());
      return report;
    }
  }

  private static String line(Change change) {
    return change.row().asMap().toString();
  }

  @Test
  void exampleIsTheCodeThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme.HttpExample")));
  }

  @Test
  void rejectedRowComesBackAndRemovedRowIsDeleted() throws Exception {
    SyncReport first = run();
    assertThat(first.status()).isEqualTo(RunStatus.WARNING);
    assertThat(first.total()).isEqualTo(new SyncReport.Counts(5, 4, 0, 1));
    assertThat(first.failures())
        .extracting(FailureGroup::code, FailureGroup::count)
        .containsExactly(tuple("NO_ADDRESS", 1L));
    requests.clear();
    database.execute(
        "update customer set email = 'mail3' where id = 3", "delete from customer where id = 1");
    assertThat(run().status()).isEqualTo(RunStatus.SUCCEEDED);
    assertThat(requests)
        .containsExactlyInAnyOrder("/delete [{id=1}]", "/put [{id=3, email=mail3}]");
  }

  @Test
  void busyServerIsAskedAgain() {
    statuses.addAll(List.of(429, 503));
    assertThat(run().total().accepted()).isEqualTo(4);
    assertThat(requests).hasSize(3).allMatch(request -> request.equals(requests.get(0)));
  }

  @Test
  void batchThatIsTooLargeIsHalved() {
    statuses.add(413);
    assertThat(run().total().accepted()).isEqualTo(4);
    assertThat(requests).hasSize(3);
  }

  @Test
  void refusedTokenStopsTheRun() {
    statuses.add(401);
    SyncReport report = run();
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.problem().orElseThrow()).contains("NO_ACCESS");
    assertThat(requests).hasSize(1);
  }

  @Test
  void unknownOutcomeIsTriedAgain() {
    statuses.add(500);
    assertThat(run().total().accepted()).isEqualTo(4);
    assertThat(requests).hasSize(2).allMatch(request -> request.equals(requests.get(0)));
  }

  @Test
  void serverThatIsNotThereLeavesEverythingDue() throws IOException {
    server.stop(0);
    Sync sync =
        Sync.builder("contacts")
            .model(Model.query("customers", "select id, email from customer").key("id"))
            .to(
                HttpExample.contacts(
                    URI.create("http://localhost:" + server.getAddress().getPort() + "/"),
                    HttpClient.newHttpClient(),
                    HttpExampleTest::line))
            .onRemoved(Removal.DELETE)
            .retryFor(Duration.ZERO)
            .build();
    assertThat(sync.action(io.fulmar.Operation.REMOVED)).isEqualTo(Action.DELETE);
    try (SyncEngine engine = StandardEngine.on(Source.of(database.dataSource()), state)) {
      SyncReport report = engine.run(sync);
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.total().aborted()).isEqualTo(5);
      assertThat(report.problem().orElseThrow()).contains("no connection");
    }
  }
}
