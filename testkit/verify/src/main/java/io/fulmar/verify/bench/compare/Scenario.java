package io.fulmar.verify.bench.compare;

/** What happens to the rows before a contender's run; a round takes them in this order. */
public enum Scenario {
  FIRST("first run", 0),
  UNCHANGED("unchanged", 0),
  UNCHANGED_FOR_LONG("unchanged for the third time", 0),
  CHANGED_0_1("0.1 % changed", 1_000),
  CHANGED_1("1 % changed", 100),
  CHANGED_10("10 % changed", 10),
  REMOVED_10("10 % removed", 10),
  CHANGED_100("100 % changed", 1);

  private final String title;
  private final int modulus;

  Scenario(String title, int modulus) {
    this.title = title;
    this.modulus = modulus;
  }

  /** As the tables name it. */
  public String title() {
    return title;
  }

  /** One row of so many is concerned: those whose number has the same remainder; 0 if none is. */
  int modulus() {
    return modulus;
  }

  /** Whether rows are updated before it. */
  boolean changes() {
    return modulus > 0 && this != REMOVED_10;
  }

  /** The rows concerned in percent; 0 if none is. */
  double percent() {
    return modulus == 0 ? 0 : 100.0 / modulus;
  }
}
