package io.fulmar.testkit.assertj;

import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import java.util.Objects;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/** Assertions about what is planned. Not threadsafe. */
public final class ChangeSetAssert extends AbstractAssert<ChangeSetAssert, ChangeSet> {
  ChangeSetAssert(@Nullable ChangeSet actual) {
    super(actual, ChangeSetAssert.class);
  }

  /** So many additions are planned. */
  public ChangeSetAssert added(long count) {
    return planned(Operation.ADDED, count);
  }

  /** So many changed rows are planned. */
  public ChangeSetAssert changed(long count) {
    return planned(Operation.CHANGED, count);
  }

  /** So many removals are planned. */
  public ChangeSetAssert removed(long count) {
    return planned(Operation.REMOVED, count);
  }

  private ChangeSetAssert planned(Operation operation, long count) {
    isNotNull();
    if (actual.planned(operation) != count) {
      throw wrong("to have %s %s".formatted(count, Told.word(operation)));
    }
    return this;
  }

  /** Nothing is planned. */
  public ChangeSetAssert isEmpty() {
    isNotNull();
    if (actual.total() != 0) {
      throw wrong("to be empty");
    }
    return this;
  }

  /** No guard objects: a run would deliver it. */
  public ChangeSetAssert passesGuards() {
    isNotNull();
    if (!actual.guards().isEmpty()) {
      throw wrong("to pass the guards");
    }
    return this;
  }

  /**
   * A guard objects.
   *
   * @param words part of what it says
   */
  public ChangeSetAssert isHeldBy(String words) {
    Objects.requireNonNull(words, "words");
    isNotNull();
    if (actual.guards().stream().noneMatch(guard -> guard.contains(words))) {
      throw wrong(
          "to be held by a guard that says \"%s\"%s"
              .formatted(
                  words,
                  actual.guards().isEmpty() ? " (none objects: is its threshold reached?)" : ""));
    }
    return this;
  }

  /** So many changes are not sent, since their key is quarantined or skipped in this version. */
  public ChangeSetAssert hasHeld(long count) {
    isNotNull();
    if (actual.held() != count) {
      throw wrong("to hold back %s changes".formatted(count));
    }
    return this;
  }

  /** So many rows have no usable key. */
  public ChangeSetAssert hasInvalidRows(long count) {
    isNotNull();
    if (actual.invalid() != count) {
      throw wrong("to have %s invalid rows".formatted(count));
    }
    return this;
  }

  private AssertionError wrong(String expected) {
    return failure(
        "%s",
        Told.lines(
            "Expecting the plan of %s %s, but:".formatted(actual.sync(), expected),
            Told.of(actual)));
  }
}
