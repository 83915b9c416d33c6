package io.fulmar.testkit.contract;

import org.jspecify.annotations.Nullable;

/** What a rule finds; {@link Teaching} puts the rest around it. */
final class BrokenRule extends AssertionError {
  private static final long serialVersionUID = 1L;

  BrokenRule(String found) {
    super(found);
  }

  BrokenRule(String found, @Nullable Throwable cause) {
    super(found, cause);
  }

  static void unless(boolean holds, String found) {
    if (!holds) {
      throw new BrokenRule(found);
    }
  }
}
