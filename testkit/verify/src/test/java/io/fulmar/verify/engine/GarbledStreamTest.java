package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.FulmarException;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.testkit.internal.network.Corruption;
import io.fulmar.testkit.internal.network.ProtocolProxy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Streams that end too early or hold what no server sends. The model has three short rows; between
 * engine and server stands a proxy that cuts and garbles what the server says.
 */
@DisplayName("P1: what a server says is cut or garbled")
class GarbledStreamTest extends SourceFixture {
  private static final String SQL = "select id, v from item order by id";
  private static final List<String> ROWS = List.of("1 ab", "2 cd", "3 ef");

  /** {@code -Dfulmar.seed=7} tries the seeds from that one on. */
  private static final long FIRST_SEED = Long.getLong("fulmar.seed", 1);

  private final Model model = Model.query("rows", SQL).key("id");
  private ProtocolProxy proxy;
  private SyncEngine engine;

  @BeforeEach
  void createTable() throws Exception {
    database.execute(
        "create table item (id smallint primary key, v text)",
        "insert into item values (1, 'ab'), (2, 'cd'), (3, 'ef')");
    proxy = ProtocolProxy.before(database.host(), database.port());
    engine = StandardEngine.on(throughProxy(), state);
  }

  @AfterEach
  void close() throws IOException {
    engine.close();
    proxy.close();
  }

  private Source throughProxy() {
    return sourceBuilder()
        .port(proxy.port())
        .connectTimeout(Duration.ofSeconds(2))
        .socketTimeout(Duration.ofSeconds(1))
        .build();
  }

  private static List<String> rows(ModelPreview preview) {
    return preview.rows().stream().map(row -> String.join(" ", texts(row))).toList();
  }

  @Test
  @DisplayName(
      "B-09: the stream ends after each byte of a result: never a short row, never too few")
  void streamEndsAfterEachByte() {
    int cut = 0;
    for (int bytes = 0; ; bytes++) {
      proxy.finishAfterBytes("fulmar: preview", bytes, 1);
      AtomicReference<ModelPreview> preview = new AtomicReference<>();
      Throwable failure = catchThrowable(() -> preview.set(engine.preview(model)));
      if (failure == null) {
        assertThat(rows(preview.get())).as("after %d bytes", bytes).isEqualTo(ROWS);
        break;
      }
      assertThat(failure)
          .as("after %d bytes", bytes)
          .isInstanceOf(SourceException.class)
          .hasMessageMatching("(?s)Cannot read the model rows: .* sqlstate=08\\d\\d\\d]");
      cut++;
    }
    assertThat(cut).isGreaterThan(100);
  }

  @Test
  @DisplayName(
      "B-09: the stream ends within a row, each time: the run fails, and nothing is removed")
  void streamEndsWithinRowEachTime() throws Exception {
    Sync sync = sync(SQL, "id").onRemoved(Removal.DELETE).build();
    assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(3);
    database.execute("update item set v = 'new' where id = 2");
    proxy.finishAfterBytes("fulmar: read", 70, Integer.MAX_VALUE);
    SyncReport report = engine.run(sync);
    assertThat(proxy.happened()).isEqualTo(3);
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isInstanceOf(SourceException.class)
        .hasMessageMatching("Cannot read the model rows: .*\\[sync=crm run=\\d+ sqlstate=08006]");
    proxy.heal();
    assertThat(sent(engine.run(sync).throwIfFailed())).containsExactly("CHANGED 2");
  }

  /** Makes one message of a connection another, chosen by the seed. */
  private static Corruption corruption(long seed, AtomicBoolean done) {
    Random random = new Random(seed);
    int at = random.nextInt(60);
    int kind = random.nextInt(7);
    return (index, message) -> {
      if (index != at) {
        return message;
      }
      done.set(true);
      ByteBuffer garbled = ByteBuffer.wrap(message.clone());
      switch (kind) {
        case 0 -> garbled.putInt(1, Integer.MAX_VALUE);
        case 1 -> garbled.putInt(1, -1 - random.nextInt(1_000));
        case 2 -> garbled.putInt(1, random.nextInt(4));
        case 3 -> garbled.putInt(1, garbled.getInt(1) + 1 + random.nextInt(100));
        case 4 -> garbled.put(0, (byte) random.nextInt(256));
        case 5 -> random.nextBytes(garbled.array());
        default -> garbled.put(random.nextInt(message.length), (byte) random.nextInt(256));
      }
      return garbled.array();
    };
  }

  private void fuzz(int seeds) {
    int garbled = 0;
    List<String> outcomes = new ArrayList<>();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
      AtomicBoolean done = new AtomicBoolean();
      proxy.resetAll();
      proxy.corrupt("fulmar", corruption(seed, done));
      long began = System.nanoTime();
      Throwable failure = catchThrowable(() -> engine.preview(model));
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .as("seed %d", seed)
          .isLessThan(Duration.ofSeconds(20));
      if (failure != null) {
        assertThat(failure).as("seed %d", seed).isInstanceOf(FulmarException.class);
        assertThat(failure.getMessage())
            .as("seed %d", seed)
            .matches("(?s)Cannot [a-z]+ .+: .+[.] .*");
        outcomes.add(failure.getClass().getSimpleName());
      }
      garbled += done.get() ? 1 : 0;
      proxy.heal();
    }
    assertThat(garbled).isGreaterThan(seeds / 2);
    assertThat(outcomes).hasSizeGreaterThan(seeds / 4);
    proxy.resetAll();
    assertThat(rows(engine.preview(model))).isEqualTo(ROWS);
  }

  @Test
  @DisplayName("B-10: messages that no server sends: a typed error, no hang, no lack of memory")
  void garbledMessages() {
    fuzz(12);
  }

  @Test
  @Tag("soak")
  @DisplayName("B-10: many of them")
  void manyGarbledMessages() {
    fuzz(1_000);
  }

  @ParameterizedTest
  @ValueSource(chars = {'C', 'd', 'Z', 'T', 'D', 'E'})
  @DisplayName(
      "B-10: a length of 2 GB in each kind of message: a typed error, and the next run works")
  void lengthOfTwoGigabytes(char type) {
    proxy.resetAll();
    AtomicBoolean done = new AtomicBoolean();
    proxy.corrupt(
        "fulmar",
        (index, message) -> {
          boolean hit = type == 'E' ? message[0] == 'H' : message[0] == type;
          if (!hit || done.getAndSet(true)) {
            return message;
          }
          ByteBuffer garbled = ByteBuffer.wrap(message.clone());
          return garbled.put(0, (byte) type).putInt(1, Integer.MAX_VALUE).array();
        });
    Throwable failure = catchThrowable(() -> engine.preview(model));
    assertThat(done).isTrue();
    if (failure != null) {
      assertThat(failure)
          .isInstanceOf(SourceException.class)
          .hasMessageMatching("(?s)Cannot [a-z]+ .+: .+[.] \\[.*]");
    }
    proxy.heal();
    proxy.resetAll();
    assertThat(rows(engine.preview(model))).isEqualTo(ROWS);
  }
}
