package io.fulmar.lightning.internal.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.internal.store.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Lanes that note into one ledger at once, in many orders that Lincheck chooses; what is written is
 * applied to a list with a place for each position.
 */
@DisplayName("I-08: no order in which lanes note outcomes breaks the ledger of Lightning")
class LedgerEntriesTest {
  private static final int ORDERS = 10;
  private static final int MANY_ORDERS = 50_000;

  @Test
  @DisplayName("I-08, P1: what is reserved is written on return, and what was answered stays so")
  void whatIsReservedIsWrittenOnReturn() {
    Lincheck.runConcurrentTest(ORDERS, LedgerEntriesTest::lanesNote);
  }

  @Test
  @Tag("soak")
  @DisplayName("I-08, P1: what is reserved is written on return, in many more orders")
  void whatIsReservedIsWrittenOnReturnInManyOrders() {
    Lincheck.runConcurrentTest(MANY_ORDERS, LedgerEntriesTest::lanesNote);
  }

  /** What the database holds: R for reserved, A for accepted. */
  private static final class Table {
    private final char[] positions = {'-', '-', '-', '-'};
    private long newest;

    void write(List<LedgerEntries.Entry> entries) {
      for (LedgerEntries.Entry entry : entries) {
        check(entry.id() > newest, "ids do not grow in the order of the writes");
        newest = entry.id();
        Arrays.fill(
            positions, (int) entry.first(), (int) entry.end(), entry.outcome() == null ? 'R' : 'A');
      }
    }

    String at(int from, int to) {
      return new String(positions, from, to - from);
    }
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  private static void lanesNote() {
    Table table = new Table();
    LedgerEntries entries = new LedgerEntries(IllegalStateException::new);
    Thread one = new Thread(() -> lane(entries, table, 0));
    Thread other = new Thread(() -> lane(entries, table, 2));
    one.start();
    other.start();
    try {
      one.join();
      other.join();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
    entries.write(entries.newest(), table::write);
    check(table.at(0, 4).equals("AAAA"), "in the end there is " + table.at(0, 4));
  }

  /** Sends two changes one after the other, as a lane does. */
  private static void lane(LedgerEntries entries, Table table, int from) {
    entries.write(entries.reserved(from, from + 2, 1), table::write);
    check(table.at(from, from + 2).equals("RR"), "it is sent and not reserved");
    entries.answered(from, List.of(Outcome.ACCEPTED));
    entries.answered(from + 1, List.of(Outcome.ACCEPTED));
  }

  @Test
  void answersThatFollowOneAnotherAreOneEntryUntilItIsWritten() {
    LedgerEntries entries = new LedgerEntries(IllegalStateException::new);
    entries.answered(0, List.of(Outcome.ACCEPTED, Outcome.ACCEPTED));
    entries.answered(2, List.of(Outcome.ACCEPTED, Outcome.NOT_TRIED));
    List<String> written = new ArrayList<>();
    LedgerEntries.Sink sink =
        all -> all.forEach(e -> written.add(e.id() + ": " + e.first() + " to " + e.end()));
    entries.write(entries.newest(), sink);
    entries.answered(4, List.of(Outcome.NOT_TRIED));
    entries.write(entries.newest(), sink);
    assertThat(written).containsExactly("1: 0 to 3", "2: 3 to 4", "3: 4 to 5");
  }

  @Test
  void whatCouldNotBeWrittenIsWrittenWithTheNext() {
    LedgerEntries entries = new LedgerEntries(IllegalStateException::new);
    long first = entries.reserved(0, 2, 1);
    assertThatThrownBy(
            () ->
                entries.write(
                    first,
                    all -> {
                      throw new IllegalStateException("the database is away");
                    }))
        .hasMessage("the database is away");
    assertThat(entries.isWritten(first)).isFalse();
    List<Long> written = new ArrayList<>();
    entries.write(entries.reserved(2, 4, 1), all -> all.forEach(entry -> written.add(entry.id())));
    assertThat(written).containsExactly(1L, 2L);
    entries.write(first, all -> assertThat(all).as("written before").isEmpty());
  }

  @Test
  void muchThatIsPendingAsksToBeWritten() {
    LedgerEntries entries = new LedgerEntries(IllegalStateException::new);
    List<Outcome> one = Collections.nCopies(1, Outcome.ACCEPTED);
    for (int i = 0; i < 10_000; i++) {
      assertThat(entries.answered(2L * i, one)).isZero();
    }
    assertThat(entries.answered(20_000, one)).isEqualTo(10_001);
  }
}
