package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.FailureCodes;
import io.fulmar.HoldKind;
import io.fulmar.RunStatus;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.verify.fault.CountingRuns;
import io.fulmar.verify.fault.ForkedJvm;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rows above {@code maxRowBytes(1000)}, which is the least that it takes. In {@code doc} row 1 is
 * small and row 2 has 1,001 bytes or more, in a column of each type that has no limit of its own.
 */
@DisplayName("P3, D-05, G-09: rows that are too large")
class LargeRowsTest extends SourceFixture {

  private Sync bounded(String sql) {
    return sync(sql, "id").maxRowBytes(1_000).build();
  }

  private void assertOnlySmallRowIsSent(SyncReport report) {
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    assertThat(sent(report)).containsExactly("ADDED 1");
    assertThat(report.calls()).isEqualTo(1);
    assertThat(report.failures()).hasSize(1);
    SyncReport.FailureGroup group = report.failures().get(0);
    assertThat(group.code()).isEqualTo(FailureCodes.ROW_TOO_LARGE);
    assertThat(group.count()).isEqualTo(1);
    assertThat(group.message()).isEqualTo("the row has more than 1000 bytes (maxRowBytes)");
  }

  @ParameterizedTest
  @CsvSource({
    "text, 'x', repeat('y'; 1001)",
    "bytea, '\\x00', decode(repeat('ab'; 1001); 'hex')",
    "json, '{\"a\":1}', ('{\"a\": \"' || repeat('z'; 1000) || '\"}')::json",
    "jsonb, '{\"a\":1}', ('{\"a\": \"' || repeat('z'; 1000) || '\"}')::jsonb",
    "text[], '{a}', array_fill('abcdefghi'::text; array[110])",
    "int8[], '{1}', array_fill(100000000::int8; array[110])",
    "xml, '<a/>', ('<a>' || repeat('x'; 1001) || '</a>')::xml",
    "varchar, 'x', repeat('y'; 1001)"
  })
  @DisplayName("of each type without a limit are rejected without a call")
  void rowOfTypeWithoutLimitIsRejectedWithoutCall(String type, String small, String large)
      throws Exception {
    database.execute(
        "create table doc (id bigint primary key, a " + type + ", b " + type + ")",
        "insert into doc select 1, '%s', null".formatted(small),
        "insert into doc select 2, %s, null".formatted(large.replace(';', ',')));
    assertOnlySmallRowIsSent(run(bounded("select id, a from doc")));
    destination.acceptAll();
    try (SyncEngine other = StandardEngine.on(source(), state.resolve("two"))) {
      assertOnlySmallRowIsSent(other.run(bounded("select id, a, b from doc")));
    }
  }

  @Test
  @DisplayName("because of several columns together are rejected")
  void columnsAreMeasuredTogether() throws Exception {
    database.execute(
        "create table doc (id bigint primary key, a text, b bytea, c json)",
        "insert into doc values (1, repeat('x', 400), decode(repeat('ab', 400), 'hex'), '\"z\"')",
        "insert into doc values (2, repeat('x', 400), decode(repeat('ab', 400), 'hex'),"
            + " ('\"' || repeat('z', 400) || '\"')::json)");
    assertOnlySmallRowIsSent(run(bounded("select id, a, b, c from doc")));
  }

  @Test
  @DisplayName("are told by bytes, not by characters")
  void rowsAreMeasuredInBytes() throws Exception {
    database.execute(
        "create table doc (id bigint primary key, a text)",
        "insert into doc values (1, repeat('x', 1000)), (2, repeat('\u00e4', 501))");
    assertOnlySmallRowIsSent(run(bounded("select id, a from doc")));
  }

  @ParameterizedTest
  @Tag("soak")
  @ValueSource(strings = {"select id, a from doc", "select id, a, b from doc"})
  @DisplayName("count attempts per version, and are delivered when they have become smaller")
  void attemptsCountPerVersion(String sql) throws Exception {
    database.execute(
        "create table doc (id bigint primary key, a text, b text)",
        "insert into doc values (2, repeat('x', 2000), null)");
    Sync sync = sync(sql, "id").maxRowBytes(1_000).quarantineAfter(2, Duration.ZERO).build();
    assertRejected(run(sync), 0);
    database.execute("update doc set a = repeat('y', 2000)");
    assertRejected(run(sync), 0);
    database.execute("update doc set a = repeat('z', 2000)");
    assertRejected(run(sync), 0);
    assertRejected(run(sync), 1);
    assertThat(holds(sync)).isEqualTo("0 rejected, 1 quarantined");
    assertThat(run(sync).total().planned()).isZero();

    database.execute("update doc set a = 'small'");
    SyncReport report = run(sync).throwIfFailed();
    assertThat(sent(report)).containsExactly("ADDED 2");
    assertThat(destination.changes(report.run()).get(0).row().text("a")).isEqualTo("small");
    assertThat(holds(sync)).isEqualTo("0 rejected, 0 quarantined");

    database.execute("update doc set a = repeat('x', 2000)");
    report = run(sync);
    assertThat(report.failures())
        .extracting(group -> group.operation() + " " + group.code())
        .containsExactly("CHANGED " + FailureCodes.ROW_TOO_LARGE);
    assertThat(report.calls()).isZero();
    database.execute("update doc set a = 'small'");
    assertThat(run(sync).throwIfFailed().calls()).isZero();
    assertThat(holds(sync)).isEqualTo("0 rejected, 0 quarantined");
  }

  private static void assertRejected(SyncReport report, long quarantined) {
    assertThat(report.failures())
        .extracting(group -> group.operation() + " " + group.code() + " x" + group.count())
        .containsExactly("ADDED " + FailureCodes.ROW_TOO_LARGE + " x1");
    assertThat(report.newlyQuarantined()).isEqualTo(quarantined);
    assertThat(report.calls()).isZero();
  }

  private String holds(Sync sync) {
    try (SyncEngine engine = open()) {
      return engine.status(sync).holds(HoldKind.REJECTED)
          + " rejected, "
          + engine.status(sync).holds(HoldKind.QUARANTINED)
          + " quarantined";
    }
  }

  @Test
  @DisplayName("P5: a field of 300 MB does not fit into a heap of 96 MB, and need not")
  void hugeFieldNeedNotFitIntoHeap() throws Exception {
    hugeFieldNeedNotFitIntoHeap("select id, a, b from doc");
  }

  @Test
  @Tag("soak")
  @DisplayName("P5: nor where it is the last one of its row")
  void hugeLastFieldNeedNotFitIntoHeap() throws Exception {
    hugeFieldNeedNotFitIntoHeap("select id, a from doc");
  }

  private void hugeFieldNeedNotFitIntoHeap(String sql) throws Exception {
    database.execute(
        "create table doc (id bigint primary key, a text, b text)",
        "insert into doc select i, 'small', 'b' from generate_series(1, 10) i",
        "insert into doc values (11, repeat('x', 300000000), 'b')");
    ForkedJvm.End end =
        ForkedJvm.run(
            state.resolve("output"),
            List.of("-Xmx96m"),
            CountingRuns.class,
            CountingRuns.arguments(
                database.host(),
                database.port(),
                database.name(),
                database.user(),
                state.resolve("forked"),
                sql));
    assertThat(end.exit()).as(end.output()).isZero();
    assertThat(end.output())
        .contains("run 1: rows 11, accepted 10, failed 1 [FULMAR_ROW_TOO_LARGE]")
        .contains("run 2: rows 11, accepted 0, failed 1 [FULMAR_ROW_TOO_LARGE]");
  }
}
