package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ChangeSet;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Runs over a model that has not changed, which is added up, and the smallest changes after such a
 * run. The table has 12,000 rows, more than the standard engine would rather read; its key and its
 * columns are of types that have several forms of one value. Before each test, a run has found by
 * the sum that nothing has changed.
 */
@BothEngines
@DisplayName("P1, P9: an unchanged model, by the sum of its rows")
class SumRunsTest extends SourceFixture {
  private static final String SELECT =
      "select k, n, c, w, j, f, d, t from t where w is distinct from 'hidden'";

  @BeforeEach
  void settle() throws SQLException {
    database.execute(
        """
        create table t (
          k text, n numeric, c char(6), w text, j json, f float8, d date, t timestamptz,
          unique (k, n, c))
        """,
        """
        insert into t
        select 'k' || i % 500, (i % 9) / 4.0, 'c' || i, 'w' || i % 7, '{"a": 1}', i / 3.0,
               date '2026-01-01' + i % 400, timestamptz '2026-01-01 10:00+01' + i * interval '1 s'
        from generate_series(1, 12000) i
        """);
    assertThat(run().total().accepted()).isEqualTo(12_000);
    unchanged();
  }

  private Sync.Builder sync() {
    return sync(SELECT, "k", "n", "c").onRemoved(Removal.DELETE).guardChanges(1, 0);
  }

  private SyncReport run() {
    return run(sync().build()).throwIfFailed();
  }

  private static ChangeSet changes(SyncReport report) {
    return Objects.requireNonNull(report.changeSet());
  }

  /** Whoever has written reports it when its session ends, which may be a moment later. */
  private void unchanged() {
    for (int left = 10; ; left--) {
      SyncReport report = run();
      assertThat(report.total().planned()).isZero();
      assertThat(changes(report).rows()).isEqualTo(12_000);
      if (changes(report).way().kind() == ChangeSet.Way.Kind.SUM) {
        return;
      }
      assertThat(left).as("runs until the rows are added up").isPositive();
    }
  }

  private void finds(String sql, String... sent) throws SQLException {
    database.execute(sql);
    assertThat(sent(run())).as(sql).containsExactlyInAnyOrder(sent);
    unchanged();
  }

  @Test
  @DisplayName("P1, P9: the smallest changes are found by the next run")
  void smallestChanges() throws SQLException {
    finds("update t set w = 'W1' where c = 'c1'", "CHANGED k1,0.25,c1");
    finds("update t set n = 0.250 where c = 'c1'", "CHANGED k1,0.25,c1");
    finds("update t set j = '{\"a\":1}' where c = 'c2'", "CHANGED k2,0.5,c2");
    finds("update t set f = '-0' where c = 'c3'", "CHANGED k3,0.75,c3");
    finds("update t set f = 0 where c = 'c3'", "CHANGED k3,0.75,c3");
    finds("update t set w = null where c = 'c4'", "CHANGED k4,1,c4");
    finds("update t set t = t + interval '1 us' where c = 'c5'", "CHANGED k5,1.25,c5");
    finds("update t set c = 'c0', w = w where c = 'c6'", "ADDED k6,1.5,c0", "REMOVED k6,1.5,c6");
  }

  @Test
  @DisplayName("P1: rows that have swapped a value, or all of them, are found by the next run")
  void swappedValues() throws SQLException {
    finds(
        "update t a set w = b.w from t b where a.c in ('c1', 'c2') and b.c in ('c1', 'c2') and a.c <> b.c",
        "CHANGED k1,0.25,c1",
        "CHANGED k2,0.5,c2");
    finds(
        """
        update t a set w = b.w, j = b.j, f = b.f, d = b.d, t = b.t from t b
        where a.c in ('c1', 'c2') and b.c in ('c1', 'c2') and a.c <> b.c
        """,
        "CHANGED k1,0.25,c1",
        "CHANGED k2,0.5,c2");
  }

  @Test
  @DisplayName("P8: rows that are there twice, and keys that are NULL, are found by the next run")
  void invalidRows() throws SQLException {
    database.execute(
        "alter table t drop constraint t_k_n_c_key",
        "insert into t select * from t where c in ('c1', 'c2')",
        "delete from t where c in ('c3', 'c4')");
    SyncReport twice = run();
    assertThat(changes(twice).invalid()).isEqualTo(4);
    assertThat(sent(twice)).containsExactly("REMOVED k3,0.75,c3", "REMOVED k4,1,c4");
    database.execute("update t set k = null where c = 'c5'");
    assertThat(changes(run()).invalid()).isEqualTo(5);
    assertThat(changes(run()).invalid()).isEqualTo(5);
  }

  @Test
  @DisplayName("P3: what was rejected comes back although no row has changed")
  void rejectedRows() throws SQLException {
    destination.verdicts(
        change ->
            String.valueOf(change.key().text("c")).strip().equals("c7")
                ? new Verdict.Rejected("NO", "not today", Verdict.Retry.NEXT_RUN)
                : new Verdict.Accepted());
    database.execute("update t set w = 'W7' where c in ('c7', 'c8')");
    assertThat(sent(run(sync().build()))).containsExactly("CHANGED k7,1.75,c7", "CHANGED k8,2,c8");
    assertThat(sent(run(sync().build()))).containsExactly("CHANGED k7,1.75,c7");
    assertThat(sent(run(sync().build()))).containsExactly("CHANGED k7,1.75,c7");
  }

  @Test
  @DisplayName("what the sync takes in otherwise is looked for row by row")
  void otherSettings() throws SQLException {
    assertThat(sent(run(sync().mode(SyncMode.ALL).build()))).hasSize(12_000);
    run();
    unchanged();
    database.execute("update t set w = repeat('w', 3000) where c = 'c1'");
    run();
    unchanged();
    assertThat(run(sync().maxRowBytes(2_000).build()).total().failed()).isEqualTo(1);
  }

  @Test
  @DisplayName("a table that was emptied and filled with the same rows is unchanged")
  void sameRowsInAnotherFile() throws SQLException {
    database.execute(
        "create table kept as select * from t", "truncate t", "insert into t select * from kept");
    unchanged();
    database.execute("vacuum full t");
    unchanged();
  }
}
