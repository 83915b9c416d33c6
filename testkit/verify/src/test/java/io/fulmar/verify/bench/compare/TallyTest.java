package io.fulmar.verify.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Operation;
import io.fulmar.verify.bench.compare.Tally.Expected;
import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

/** No contender gets away with less, more or other changes than there are. */
class TallyTest {
  private static final Expected TWO_CHANGED =
      new Expected(Operation.CHANGED, 2, 30, new BigDecimal("7.50"), 100);

  private static Tally tally() {
    Tally tally = new Tally(true);
    tally.add(Operation.CHANGED, 10, new BigDecimal("2.5"));
    tally.add(Operation.CHANGED, 20, new BigDecimal("5"));
    return tally;
  }

  @Test
  void whatWasExpectedIsRight() {
    assertThat(tally().compare(TWO_CHANGED)).isEmpty();
    assertThat(tally().count()).isEqualTo(2);
  }

  @Test
  void oneTooFewIsWrong() {
    Tally tally = new Tally(true);
    tally.add(Operation.CHANGED, 10, new BigDecimal("2.5"));
    assertThat(tally.compare(TWO_CHANGED))
        .isEqualTo("CHANGED: expected 2 with keys of 30 in all and got 1 with 10");
  }

  @Test
  void anotherKeyIsWrong() {
    Tally tally = new Tally(false);
    tally.add(Operation.CHANGED, 10, null);
    tally.add(Operation.CHANGED, 21, null);
    assertThat(tally.compare(TWO_CHANGED))
        .isEqualTo("CHANGED: expected 2 with keys of 30 in all and got 2 with 31");
  }

  @Test
  void anotherOperationIsWrong() {
    Tally tally = tally();
    tally.add(Operation.ADDED, 1, BigDecimal.ZERO);
    assertThat(tally.compare(TWO_CHANGED))
        .isEqualTo("ADDED: expected 0 with keys of 0 in all and got 1 with 1");
  }

  @Test
  void anOldValueIsWrongWhereAllIsChecked() {
    Tally tally = new Tally(true);
    tally.add(Operation.CHANGED, 10, new BigDecimal("2.5"));
    tally.add(Operation.CHANGED, 20, new BigDecimal("4"));
    assertThat(tally.compare(TWO_CHANGED)).isEqualTo("values: expected 7.50 in all and got 6.5");
  }

  @Test
  void valuesOfRemovedRowsAreNotWanted() {
    Tally tally = new Tally(true);
    tally.add(Operation.REMOVED, 30, null);
    assertThat(tally.compare(new Expected(Operation.REMOVED, 1, 30, new BigDecimal("7.50"), 100)))
        .isEmpty();
  }

  @Test
  void bareReadHasToReadAllRows() {
    Tally tally = new Tally(false);
    tally.read(99);
    assertThat(tally.compare(TWO_CHANGED)).isEqualTo("read 99 rows of 100");
    tally.read(100);
    assertThat(tally.compare(TWO_CHANGED)).isEmpty();
  }
}
