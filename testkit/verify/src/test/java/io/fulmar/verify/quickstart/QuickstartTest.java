package io.fulmar.verify.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.RunStatus;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.Counts;
import io.fulmar.SyncReport.FailureGroup;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The quickstart as users run it, with a tenth of the rows: 1,500 customers, 15,000 orders. */
class QuickstartTest {
  private static final ByteArrayOutputStream PRINTED = new ByteArrayOutputStream();
  private static List<RunTable.Column> runs;
  private static Comparison end;

  @BeforeAll
  static void run() throws Exception {
    PrintStream out = new PrintStream(PRINTED, true, StandardCharsets.UTF_8);
    try (Quickstart quickstart = new Quickstart(out)) {
      end = quickstart.run(0.01);
      runs = quickstart.runs();
    }
  }

  @AfterAll
  static void forget() {
    runs = List.of();
  }

  private static String printed() {
    return PRINTED.toString(StandardCharsets.UTF_8);
  }

  private static SyncReport report(int run) {
    return runs.get(run - 1).report();
  }

  @Test
  void sourceAndDestinationAreEqual() {
    // 1,500 customers, 5 more, 8 fewer
    assertThat(end).isEqualTo(new Comparison(1_497, 1_497, 0, 0, 0));
    assertThat(printed()).contains("Source and destination are equal.");
  }

  @Test
  void eachRunPlansExactlyWhatDiffers() {
    assertThat(runs).hasSize(6);
    for (RunTable.Column run : runs) {
      SyncReport report = run.report();
      assertThat(report.counts(Operation.ADDED).planned()).isEqualTo(run.before().onlyLeft());
      assertThat(report.counts(Operation.CHANGED).planned()).isEqualTo(run.before().different());
      assertThat(report.counts(Operation.REMOVED).planned()).isEqualTo(run.before().onlyRight());
      assertThat(report.changeSet()).isNotNull();
      assertThat(report.changeSet().rows()).isEqualTo(run.before().leftRows());
      assertThat(run.after().differing()).isEqualTo(report.total().failed());
    }
  }

  @Test
  void firstRunSendsEverything() {
    assertThat(report(1).counts())
        .isEqualTo(
            Map.of(
                Operation.ADDED,
                new Counts(1_500, 1_500, 0, 0),
                Operation.CHANGED,
                Counts.NONE,
                Operation.REMOVED,
                Counts.NONE));
    assertThat(runs.get(0).status().syncedKeys()).isEqualTo(1_500);
  }

  @Test
  void runWithoutChangesSendsNothing() {
    for (int run : new int[] {2, 6}) {
      assertThat(report(run).total()).isEqualTo(Counts.NONE);
      assertThat(report(run).calls()).isZero();
      assertThat(report(run).status()).isEqualTo(RunStatus.SUCCEEDED);
    }
  }

  @Test
  void changedRowsAreSentAndOneIsRejected() {
    SyncReport report = report(3);
    assertThat(report.status()).isEqualTo(RunStatus.WARNING);
    // 15 balances, 15 new orders, 10 customers without their orders, 1 telephone number
    assertThat(report.counts())
        .isEqualTo(
            Map.of(
                Operation.ADDED,
                new Counts(5, 5, 0, 0),
                Operation.CHANGED,
                new Counts(41, 40, 0, 1),
                Operation.REMOVED,
                new Counts(8, 8, 0, 0)));
    assertThat(report.failures())
        .extracting(FailureGroup::operation, FailureGroup::code, FailureGroup::count)
        .containsExactly(org.assertj.core.api.Assertions.tuple(Operation.CHANGED, "23514", 1L));
    assertThat(report.failures().get(0).message()).contains("phone_is_complete");
    assertThat(runs.get(2).status().holds(HoldKind.REJECTED)).isEqualTo(1);
    assertThat(runs.get(2).held()).isEqualTo(1);
  }

  @Test
  void rejectedRowComesBackUntilItIsMended() {
    assertThat(report(4).counts(Operation.CHANGED)).isEqualTo(new Counts(1, 0, 0, 1));
    assertThat(report(4).total().planned()).isEqualTo(1);
    assertThat(report(5).counts(Operation.CHANGED)).isEqualTo(new Counts(1, 1, 0, 0));
    assertThat(report(5).total().planned()).isEqualTo(1);
    assertThat(runs.get(4).held()).isZero();
  }

  @Test
  void everyRunIsShownAndNoValueOfTheRejectedRowIs() {
    assertThat(printed().lines().filter(line -> line.startsWith("customers: SUCCEEDED")))
        .hasSize(4);
    assertThat(printed().lines().filter(line -> line.startsWith("customers: WARNING"))).hasSize(2);
    assertThat(printed().lines().filter(line -> line.contains("unknown")))
        .singleElement()
        .asString()
        .contains("update customer set c_phone");
  }
}
