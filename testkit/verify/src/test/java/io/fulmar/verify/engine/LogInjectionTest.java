package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.fulmar.ConsoleProgress;
import io.fulmar.FulmarException;
import io.fulmar.HttpDestination;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/**
 * Names, and words of destinations, that break lines, change colours, hide what follows or turn the
 * direction of the text. Whatever Fulmar writes to its log, throws or shows holds none of that; a
 * table of two rows is what is run.
 */
@DisplayName("S-05: nobody forges a line of the log")
class LogInjectionTest extends SourceFixture {
  private static final String FORGED = "forged";
  private static final String EVIL =
      "a\r\nERROR " + FORGED + " \u001b[31m\u001b]0;t\u0007\b\u0085\u2028\u202e b";

  private final Logger log = (Logger) LoggerFactory.getLogger("io.fulmar");
  private final Queue<String> shown = new ConcurrentLinkedQueue<>();
  private final ByteArrayOutputStream console = new ByteArrayOutputStream();
  private @Nullable Level level;
  private final ListAppender<ILoggingEvent> appender =
      new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
          shown.add(event.getFormattedMessage());
          shown.addAll(event.getMDCPropertyMap().values());
        }
      };

  @BeforeEach
  void listen() throws Exception {
    level = log.getLevel();
    log.setLevel(Level.TRACE);
    appender.start();
    log.addAppender(appender);
    database.execute(
        "create table t (id int primary key, v text)", "insert into t values (1, 'a'), (2, 'b')");
  }

  @AfterEach
  void stopListening() {
    log.detachAppender(appender);
    log.setLevel(level);
  }

  private void see(@Nullable Throwable e) {
    if (e instanceof FulmarException) {
      shown.add(String.valueOf(e.getMessage()));
      shown.add(e.toString());
    }
  }

  private void see(SyncReport report) {
    shown.add(report.problem().orElse(""));
    see(report.error());
    see(catchThrowable(report::throwIfFailed));
  }

  private void assertNothingForged() {
    console.toString(StandardCharsets.UTF_8).lines().forEach(shown::add);
    assertThat(shown).anyMatch(text -> text.contains(FORGED));
    assertThat(shown)
        .allSatisfy(
            text -> {
              assertThat(text).doesNotStartWith("ERROR");
              assertThat(text.codePoints())
                  .as(text)
                  .noneMatch(
                      c ->
                          Character.isISOControl(c)
                              || Character.getType(c) == Character.FORMAT
                              || c == 0x2028
                              || c == 0x2029);
            });
  }

  private Sync.Builder plain() {
    return sync("select id, v from t", "id")
        .retryFor(Duration.ZERO)
        .listener(ConsoleProgress.to(new PrintStream(console, true, StandardCharsets.UTF_8)));
  }

  private static Destination answering(String identity, Writer writer) {
    return Destination.of(identity, writer::write);
  }

  @Test
  void theTextThatIsTriedWouldBeFound() {
    log.info("x {}", EVIL);
    assertThat(shown).anyMatch(text -> text.contains("\r\nERROR"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "database", "user"})
  @DisplayName("by the name of a host, a database or a role")
  void nameInSource(String what) {
    Source.Builder builder = sourceBuilder().connectTimeout(Duration.ofSeconds(1));
    String name = EVIL.substring(0, 30);
    Throwable refused =
        catchThrowable(
            () -> {
              switch (what) {
                case "host" -> builder.host(name);
                case "database" -> builder.database(name);
                default -> builder.user(name);
              }
            });
    if (refused != null) {
      assertThat(refused).isInstanceOf(IllegalArgumentException.class);
      shown.add(String.valueOf(refused.getMessage()) + FORGED);
    } else {
      shown.add(builder.build().toString());
      shown.add(FORGED); // of what the server says, the first line is kept
      see(catchThrowable(() -> see(run(builder.build(), plain().build()))));
    }
    assertNothingForged();
  }

  /** Words of a destination. */
  static Stream<Writer> words() {
    return Stream.of(
        batch -> {
          Delivery.Builder answer = Delivery.acceptedExcept();
          batch.changes().forEach(change -> answer.rejected(change, EVIL, EVIL));
          return answer.build();
        },
        batch -> {
          throw new StopRunException(EVIL, EVIL);
        },
        batch -> {
          throw new NotAppliedException(EVIL, (Throwable) null);
        },
        batch -> {
          throw new BatchRejectedException(EVIL, EVIL);
        },
        batch -> {
          throw new IllegalStateException(EVIL);
        });
  }

  @ParameterizedTest
  @MethodSource("words")
  @DisplayName("by what a destination says")
  void wordsOfDestination(Writer writer) {
    Sync sync = plain().to(answering("test:" + EVIL, writer)).build();
    shown.add(sync.toString());
    see(run(sync));
    assertNothingForged();
  }

  @Test
  @DisplayName("by the identity of a destination, its table or its address")
  void identityOfDestination() {
    run(plain().to(answering("test:one", batch -> Delivery.allAccepted())).build());
    Sync other = plain().to(answering("test:" + EVIL, batch -> Delivery.allAccepted())).build();
    see(catchThrowable(() -> see(run(other))));
    PostgresDestination table =
        PostgresDestination.builder(source()).table(EVIL.substring(0, 30), "t").build();
    shown.add(table.toString());
    see(catchThrowable(() -> see(run(renamed("table").to(table).build()))));
    shown.add(
        HttpDestination.builder(URI.create("https://example.org"))
            .request(io.fulmar.Action.UPSERT, "POST", "/x")
            .identity("http:" + EVIL)
            .build()
            .toString());
    assertNothingForged();
  }

  private Sync.Builder renamed(String name) {
    return Sync.builder(name)
        .model(Model.query("rows", "select id, v from t").key("id"))
        .to(destination)
        .retryFor(Duration.ZERO);
  }

  @Test
  @DisplayName("by a query, a column, a plan, a guard or the words of the server")
  void namesInModel() throws Exception {
    String column = "\"" + EVIL.substring(0, 30) + "\"";
    String unquoted = EVIL.substring(0, 30);
    List<Sync> syncs = new ArrayList<>();
    for (String sql :
        List.of(
            "select id, 1 as " + column + ", 2 as " + column + " from t",
            "select id, " + column + " from t",
            "select id from " + column,
            "select 1 as " + column,
            "selec " + column,
            "select '" + EVIL + "'::int as id")) {
      syncs.add(sync(sql, "id").build());
    }
    syncs.add(sync("select 1.5::float8 as " + column, unquoted).build());
    syncs.add(plain().mapping(Mapping.builder().column("id").column(unquoted).build()).build());
    syncs.add(plain().remember(unquoted).build());
    syncs.add(plain().guard(plan -> java.util.Optional.of(EVIL)).build());
    for (Sync sync : syncs) {
      shown.add(sync.model().toString());
      see(catchThrowable(() -> see(run(sync))));
    }
    try (SyncEngine engine = StandardEngine.on(source(), state)) {
      see(catchThrowable(() -> engine.run(plain().build())));
      see(catchThrowable(() -> see(engine.apply(plain().build(), EVIL))));
    }
    assertNothingForged();
  }

  @Test
  @DisplayName("by an option that nobody knows")
  void unknownOption() {
    Throwable unknown = catchThrowable(() -> Source.of(Map.of(EVIL, "x")));
    assertThat(unknown).isNotNull();
    shown.add(FORGED);
    see(unknown);
    assertNothingForged();
  }
}
