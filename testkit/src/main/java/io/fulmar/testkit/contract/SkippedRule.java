package io.fulmar.testkit.contract;

/** A rule needs what the destination, or its test, does not have. */
final class SkippedRule extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SkippedRule(String missing) {
    super(missing);
  }
}
