package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.harness.PublicSurface;
import io.fulmar.harness.SurfaceContract;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Tunnel;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.SocketFactory;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The surface of core; its engine is the standard engine, over a server that is not there. */
@DisplayName("S-07: whatever a public method is given, it works or says what is wrong with what")
class PublicSurfaceTest extends SurfaceContract {
  /** Without a password, no time goes into dialling a server that is not there. */
  private static final Source NOWHERE =
      source().withoutTls().password(Secret.ofEnv("FULMAR_TEST_IS_NOT_SET")).build();

  private static final Destination DESTINATION =
      Destination.of("test:nowhere", batch -> Delivery.allAccepted());
  private static final Row ROW =
      ImageRow.of(Shape.of(List.of(), List.of(), List.of()), new byte[0]);

  @TempDir static Path root;

  private static Source.Builder source() {
    return Source.builder()
        .host("127.0.0.1")
        .port(1)
        .database("shop")
        .user("fulmar")
        .connectTimeout(Duration.ofMillis(100));
  }

  private static Sync.Builder sync() {
    return Sync.builder("crm").model(model()).to(DESTINATION);
  }

  private static final Tunnel TUNNEL =
      new Tunnel() {
        @Override
        public String name() {
          return "ssh://fulmar@bastion:22";
        }

        @Override
        public Dialer dialer() {
          throw new UnsupportedOperationException("dialer");
        }
      };

  private static Model model() {
    return Model.query("rows", "select 1 as k").key("k");
  }

  private static SyncEngine engine() {
    return StandardEngine.on(NOWHERE, root);
  }

  private static HttpDestination.Builder http() {
    return HttpDestination.builder(URI.create("https://127.0.0.1:1/"))
        .batchesOf(10)
        .request(Action.UPSERT, "POST", "rows");
  }

  private static final PublicSurface SURFACE =
      PublicSurface.of(SyncEngine.class, PublicSurfaceTest::engine)
          .packageOf(Sync.class)
          .packageOf(Destination.class)
          .strict(
              type ->
                  type == Change.class || type.getPackage().equals(Destination.class.getPackage()))
          .implemented(
              Row.class,
              RunListener.class,
              Guard.class,
              HttpDestination.AnswerReader.class,
              Mapping.Computation.class,
              CheckSteps.class,
              CheckSteps.Findings.class,
              CheckSteps.Look.class,
              Writer.class,
              Destination.class,
              Tunnel.class,
              Tunnel.Dialer.class)
          .notShown(
              "HttpDestination.request",
              "HttpDestination.clear",
              "HttpDestination.header",
              "HttpDestination.bearerToken",
              "HttpDestination.arrayMember",
              "HttpDestination.changeIdMember",
              "HttpDestination.sequenceMember",
              "HttpDestination.numbers",
              "HttpDestination.jsonColumns",
              "HttpDestination.idempotencyHeader",
              "HttpDestination.outcome",
              "HttpDestination.verdicts",
              "HttpDestination.requestTimeout",
              "HttpDestination.connectTimeout",
              "HttpDestination.maxRequestBytes",
              "HttpDestination.maxAnswerBytes",
              "HttpDestination.client",
              "JsonVerdicts.accepted",
              "JsonVerdicts.skipped",
              "JsonVerdicts.code",
              "JsonVerdicts.message",
              "JsonVerdicts.changeId",
              "JsonVerdicts.retryCodes",
              "JsonLinesDestination.fields",
              "JsonLinesDestination.numbers",
              "JsonLinesDestination.jsonColumns",
              "JsonLinesDestination.permissions",
              "JsonLinesDestination.rotateBytes",
              "PostgresDestination.sequenceColumn",
              "PostgresDestination.tombstoneTable",
              "PostgresDestination.keepTombstones",
              "PostgresDestination.createTableIfMissing",
              "PostgresDestination.clearColumns",
              "StandardEngine.diffMemoryBytes",
              "StandardEngine.threads",
              "StandardEngine.context",
              "StandardEngine.grace",
              "StandardEngine.checkTimeout",
              "StandardEngine.clock",
              "StandardEngine.steps")
          .argument("HttpDestination.outcome", 0, 422)
          .builder(Source.Builder.class, () -> source().tlsClientKey(Path.of("client.key")))
          .builder(Model.Query.class, () -> Model.query("rows", "select 1 as id"))
          .builder(Sync.Builder.class, () -> sync())
          .builder(RunOptions.Builder.class, () -> RunOptions.builder())
          .builder(Mapping.Builder.class, () -> Mapping.builder().column("base"))
          .builder(StandardEngine.Builder.class, () -> StandardEngine.builder(NOWHERE, root))
          .builder(
              PostgresDestination.Builder.class,
              () ->
                  PostgresDestination.builder(NOWHERE)
                      .table("public", "customers")
                      .sequenceColumn("sequence"))
          .builder(
              JsonLinesDestination.Builder.class,
              () -> JsonLinesDestination.builder(root.resolve("rows.jsonl")))
          .builder(HttpDestination.Builder.class, () -> http())
          .builder(
              JsonVerdicts.Builder.class,
              () -> JsonVerdicts.builder("items").accepted("ok", "true"))
          .builder(Capabilities.Builder.class, () -> Capabilities.builder().actions(Action.UPSERT))
          .builder(Delivery.Builder.class, () -> Delivery.builder())
          .sample(Model.class, model())
          .sample(Model.Table.class, Model.table("rows", "app", "rows"))
          .sample(Destination.class, DESTINATION)
          .sample(Sync.class, sync().build())
          .sample(Source.class, NOWHERE)
          .sample(Source.Builder.class, source())
          .sample(Mapping.class, Mapping.builder().column("id").build())
          .sample(Mapping.Computation.class, (Mapping.Computation) inputs -> "x")
          .sample(RunOptions.class, RunOptions.defaults())
          .sample(Guard.class, (Guard) plan -> Optional.empty())
          .sample(RunListener.class, (RunListener) event -> {})
          .sample(RunEvent.class, new RunEvent.Started("crm", 1))
          .sample(ConsoleProgress.class, ConsoleProgress.to(silent()))
          .sample(PrintStream.class, silent())
          .sample(Secret.class, Secret.of("x"))
          .sample(SocketFactory.class, SocketFactory.getDefault())
          .sample(Tunnel.class, TUNNEL)
          .sample(
              DataSource.class,
              Proxy.newProxyInstance(
                  PublicSurfaceTest.class.getClassLoader(),
                  new Class<?>[] {DataSource.class},
                  (proxy, method, arguments) ->
                      switch (method.getName()) {
                        case "equals" -> proxy == arguments[0];
                        case "hashCode" -> 1;
                        default -> throw new UnsupportedOperationException(method.getName());
                      }))
          .sample(FulmarException.class, new StateException("x"))
          .sample(SourceException.class, new SourceException("x", null, null))
          .sample(Row.class, ROW)
          .sample(Change.class, new Change(Operation.ADDED, ROW, ROW, "0123456789abcdef", 1, 1))
          .sample(Verdict.class, new Verdict.Accepted())
          .sample(Writer.class, (Writer) batch -> Delivery.allAccepted())
          .sample(Capabilities.class, Capabilities.builder().actions(Action.values()).build())
          .sample(CheckSteps.class, noSteps())
          .sample(HttpClient.class, HttpClient.newHttpClient())
          .sample(HttpDestination.class, http().build())
          .sample(
              HttpDestination.AnswerReader.class,
              (HttpDestination.AnswerReader) (batch, answer) -> Delivery.allAccepted())
          .sample(JsonVerdicts.class, JsonVerdicts.builder("items").accepted("ok", "true").build())
          .sample(
              JsonLinesDestination.class,
              JsonLinesDestination.builder(Path.of("no such directory", "x.jsonl")).build())
          .sample(
              PostgresDestination.class,
              PostgresDestination.builder(NOWHERE).table("a", "b").build());

  PublicSurfaceTest() {
    super(SURFACE);
  }

  @Test
  void theScanFindsWhatIsPublic() {
    assertThat(SURFACE.exported())
        .contains(Sync.class, Sync.Builder.class, SyncEngine.class, Verdict.Rejected.class)
        .doesNotContain(Checks.class);
    assertThat(SURFACE.callables())
        .extracting(PublicSurface.Callable::toString)
        .contains(
            "Sync.planExpiry[Duration]",
            "Source.of[DataSource, Builder]",
            "SyncEngine.explain[Sync, Object, Object[]]",
            "new NotAppliedException[String, Duration]",
            "Destination.of[String, Writer]");
  }

  @Test
  void aBuilderThatLacksSomethingSaysWhat() {
    assertRefused(() -> Source.builder().build(), "host(...) is missing");
    assertRefused(() -> Source.builder().host("db").build(), "database(...) is missing");
    assertRefused(() -> Sync.builder("crm").build(), "model(...) is missing");
    assertRefused(() -> Sync.builder("crm").model(model()).build(), "to(...) is missing");
    assertRefused(() -> Mapping.builder().build(), "a mapping needs at least one column");
    assertRefused(() -> Capabilities.builder().build(), "name at least one action");
    assertRefused(() -> PostgresDestination.builder(NOWHERE).build(), "table(...) is missing");
    assertRefused(
        () -> PostgresDestination.builder(NOWHERE).table("a", "b").tombstoneTable("c").build(),
        "tombstoneTable(...) and keepTombstones(...) need sequenceColumn(...)");
    assertRefused(
        () -> source().withoutTls().tlsRootCertificate(Path.of("ca.pem")).build(),
        "tlsRootCertificate(...) and withoutTls() exclude each other");
  }

  private static void assertRefused(Supplier<Object> build, String message) {
    assertThatThrownBy(build::get).isInstanceOf(IllegalStateException.class).hasMessage(message);
  }

  @Test
  void whatWasBuiltStaysWhenItsBuilderGoesOn() throws Exception {
    Sync.Builder syncs = sync();
    Sync first = syncs.remember("a").build();
    Sync second = syncs.remember("b").lanes(7).build();
    assertThat(first.remembered()).containsExactly("a");
    assertThat(first.lanes()).isEqualTo(1);
    assertThat(second.remembered()).containsExactly("a", "b");

    RunOptions.Builder options = RunOptions.builder().key(1);
    RunOptions one = options.build();
    options.key(2).build();
    assertThat(one.keys()).containsExactly(List.of("1"));

    PostgresDestination.Builder tables =
        PostgresDestination.builder(NOWHERE).table("a", "b").maxRows(5);
    PostgresDestination table = tables.build();
    tables.maxRows(6).build();
    assertThat(table.capabilities().maxRows()).isEqualTo(5);
  }

  @Test
  void cancellingInAClosedEngineIsNoError() {
    SyncEngine engine = engine();
    engine.close();
    assertThatCode(() -> engine.cancel(sync().build())).doesNotThrowAnyException();
  }

  private static CheckSteps noSteps() {
    return new CheckSteps() {
      @Override
      public boolean step(String name, Look look) {
        return true;
      }

      @Override
      public boolean stepAfter(String needed, String name, Look look) {
        return true;
      }

      @Override
      public Duration remaining() {
        return Duration.ZERO;
      }
    };
  }

  private static PrintStream silent() {
    return new PrintStream(OutputStream.nullOutputStream());
  }
}
