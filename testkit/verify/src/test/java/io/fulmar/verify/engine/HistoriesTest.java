package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.harness.History;
import io.fulmar.harness.Subject;
import io.fulmar.internal.plan.PostgresSnapshots;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.EngineUnderTest;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Both engines in the random histories that the runner goes through in the tests of core: a real
 * PostgreSQL with a table of rows (k, v), and a memory of its own for each history. What is sent
 * and remembered is held against the reference after each step.
 */
@DisplayName("P1, P2, P3, P8, P12: random histories of both engines")
class HistoriesTest {
  private static final int SAMPLE = Integer.getInteger("fulmar.histories", 3);

  private static TestServer postgres;

  /** How often the rows were added up for the standard engine. */
  private static final AtomicLong SUMS = new AtomicLong();

  @TempDir static Path states;

  @BeforeAll
  static void start() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stop() throws SQLException {
    SharedServer.clean();
  }

  private static LongFunction<Subject> subjects(EngineUnderTest kind) {
    ItemTable table = ItemTable.in(postgres.createDatabase());
    return switch (kind) {
      case STANDARD -> seed -> new StandardSubject(table, states.resolve(Long.toString(seed)));
      case LIGHTNING -> seed -> new LightningSubject(table);
    };
  }

  @ParameterizedTest
  @EnumSource
  void destinationEqualsTheSourceInTheEnd(EngineUnderTest kind) {
    History.playAll(1, SAMPLE, subjects(kind));
    assertThat(kind == EngineUnderTest.LIGHTNING || SUMS.get() > 0)
        .as("rows were added up")
        .isTrue();
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories(EngineUnderTest kind) {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(first, Integer.getInteger("fulmar.histories", 2_000), subjects(kind));
    System.out.println(
        "histories of %s from %s: %s; %s sums".formatted(kind, first, seen, SUMS.get()));
  }

  /** The runner over a {@link LightningStore}, with schemas of its own for each history. */
  private static final class LightningSubject extends ItemSubject {
    LightningSubject(ItemTable table) {
      super(table);
      try {
        EngineUnderTest.LIGHTNING.prepare(table.database());
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    protected SyncStore open() {
      return new LightningStore(
          table().source(), LightningSettings.DEFAULT, RunnerSettings.defaults(), clock());
    }

    /** The dead give nothing back, and a minute of the server is too long to wait for. */
    @Override
    protected void died(@Nullable Claim left) {
      execute(
          """
          do $$ begin
            if to_regclass('fulmar_planner.fulmar_leases') is not null then -- made by the first run
              update fulmar_planner.fulmar_leases set expires_at = clock_timestamp();
            end if;
          end $$""");
      if (left != null) {
        left.close(); // or its heart goes on beating in this process
      }
    }

    @Override
    public void close() {
      super.close();
      execute("drop schema fulmar_planner, fulmar_audit cascade");
    }

    private void execute(String sql) {
      try {
        table().database().execute(sql);
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** The runner over a {@link StandardStore}. */
  private static final class StandardSubject extends ItemSubject {
    private final Path state;

    StandardSubject(ItemTable table, Path state) {
      super(table);
      this.state = state;
    }

    @Override
    protected SyncStore open() {
      return new StandardStore(
          new EagerSums(new PostgresSnapshots(table().source()), SUMS),
          state,
          StandardStore.MissingState.BEGIN,
          1 << 20,
          clock());
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (left != null) {
        left.close();
      }
    }
  }
}
