package io.fulmar.verify.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.Counts;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.harness.CrashScenario;
import io.fulmar.testkit.harness.CrashSweep;
import io.fulmar.verify.fixture.SharedServer;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lives in which something is broken, which the crash sweep must see. */
@DisplayName("P1, P2: the crash sweep sees")
class BrokenLivesTest {
  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  @TempDir static Path homes;

  private static CrashSweep sweep(Class<? extends CrashScenario> life) {
    return CrashSweep.of(life).homes(homes);
  }

  /** Says that it has accepted what it has not even looked at. */
  public static final class DropsRows extends CustomerLife.Standard {
    @Override
    @SuppressWarnings("try") // close() of a writer may be interrupted
    public Sync.Builder sync(Path home) throws Exception {
      Destination table = super.sync(home).build().destination();
      Writer drops =
          batch -> {
            try (Writer writer = table.open(new RunContext("crm", 1, 1, Duration.ofSeconds(1)))) {
              List<Change> rest =
                  batch.changes().stream()
                      .filter(change -> !"7".equals(change.key().text("id")))
                      .toList();
              return rest.isEmpty()
                  ? Delivery.allAccepted()
                  : writer.write(new Batch(batch.action(), rest));
            }
          };
      return super.sync(home).to(Destination.of("drops", drops));
    }
  }

  @Test
  @DisplayName("P1: that a destination drops what it has accepted")
  void droppedRow() {
    assertThatThrownBy(() -> sweep(DropsRows.class).seed(42).run())
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith("Process 1 ended with code 1, in a life without a death; ")
        .hasMessageContaining("-Dfulmar.seed=42, home ")
        .hasMessageContaining(
            "edit 1: nothing is due any more, and the destination differs from the source: key 7 is 'free' in the source and absent in the destination");
  }

  /** Counts one change more than the destination has accepted. */
  public static final class CountsTooMuch extends CustomerLife.Standard {
    @Override
    public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
      SyncEngine engine = super.open(home, steps);
      return (SyncEngine)
          Proxy.newProxyInstance(
              SyncEngine.class.getClassLoader(),
              new Class<?>[] {SyncEngine.class},
              (proxy, method, arguments) -> {
                try {
                  Object result = method.invoke(engine, arguments);
                  return result instanceof SyncReport report ? more(report) : result;
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }

    private static SyncReport more(SyncReport report) {
      Map<Operation, Counts> counts = new TreeMap<>(report.counts());
      Counts changed = report.counts(Operation.CHANGED);
      if (changed.accepted() > 0) {
        counts.put(
            Operation.CHANGED,
            new Counts(changed.planned(), changed.accepted() + 1, changed.skipped(), 0));
      }
      return new SyncReport(
          report.sync(),
          report.run(),
          report.status(),
          report.changeSet(),
          counts,
          report.newlyQuarantined(),
          report.failures(),
          report.calls(),
          report.abandonedCalls(),
          report.startedAt(),
          report.times(),
          report.error());
    }
  }

  @Test
  @DisplayName("P1: that an engine counts what was not accepted")
  void countedTooMuch() {
    assertThatThrownBy(() -> sweep(CountsTooMuch.class).run())
        .isInstanceOf(AssertionError.class)
        .hasMessageMatching(
            "(?s)run \\d+ counts 2 changes as accepted and 0 as skipped; the destination accepted 1 and skipped 0.*in a life without a death; .*");
  }

  /** Forgets everything whenever a process begins. */
  public static final class Forgets extends CustomerLife.Standard {
    @Override
    public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
      Path state = home.resolve("state");
      if (Files.exists(state)) {
        try (Stream<Path> files = Files.walk(state)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
      return super.open(home, steps);
    }
  }

  @Test
  @DisplayName("P2: that everything comes again after a death")
  void everythingAgain() {
    assertThatThrownBy(() -> sweep(Forgets.class).at("FOLDED", 1).run())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("another change id for ADDED 1 plan=free, which was accepted before")
        .hasMessageContaining(", after FOLDED, pass 1; -Dfulmar.seed=");
  }

  /** Does not tell the engine who listens to its steps. */
  public static final class HidesSteps extends CustomerLife.Standard {
    @Override
    public SyncEngine open(Path home, Consumer<String> steps) throws Exception {
      return StandardEngine.on(connect(home, "source"), home.resolve("state"));
    }
  }

  @Test
  @DisplayName("that nobody hears of steps")
  void hiddenSteps() {
    assertThatThrownBy(() -> sweep(HidesSteps.class).run())
        .isInstanceOf(AssertionError.class)
        .hasMessage(
            "No step was passed. Give the engine what open(home, steps) gets: builder.steps(steps).");
  }

  /** Never ends its first edit. */
  public static final class Hangs extends CustomerLife.Standard {
    @Override
    @SuppressWarnings("ResultOfMethodCallIgnored")
    public void edit(Path home, int number) throws IOException {
      new Semaphore(0).acquireUninterruptibly();
    }
  }

  @Test
  @DisplayName("that a process does not end")
  void hangingProcess() {
    assertThatThrownBy(() -> sweep(Hangs.class).patience(Duration.ofSeconds(3)).run())
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith(
            "Process 1 did not end within PT3S, in a life without a death; -Dfulmar.seed=");
  }

  @Test
  @DisplayName("that it is given what makes no sense")
  void badSettings() {
    CrashSweep sweep = sweep(Hangs.class);
    assertThatThrownBy(() -> sweep.sample(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("points must be 0 to 10000, is -1");
    assertThatThrownBy(() -> sweep.pairs(10_001))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count must be 0 to 10000, is 10001");
    assertThatThrownBy(() -> sweep.at("FOLDED", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pass must be at least 1, is 0");
    assertThatThrownBy(() -> sweep.patience(Duration.ofMillis(999)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("patience must be PT1S to PT1H, is PT0.999S");
    assertThat(sweep.seed(1).jvm("-Dx=y")).isSameAs(sweep);
  }
}
