package io.fulmar.lightning.internal.delta;

import io.fulmar.ChangeSet;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.SqlPart;
import org.jspecify.annotations.Nullable;

/** How the changes of a plan are to be found. */
public sealed interface DeltaWay {
  /** For the report. */
  ChangeSet.Way way();

  /**
   * Every row is compared.
   *
   * @param reason why
   */
  record Full(String reason) implements DeltaWay {
    @Override
    public ChangeSet.Way way() {
      return new ChangeSet.Way(ChangeSet.Way.Kind.FULL, reason);
    }
  }

  /**
   * There is nothing to compare: no row was written or removed, and no key is held.
   *
   * @param rows how many rows there are
   */
  record Unchanged(long rows) implements DeltaWay {
    @Override
    public ChangeSet.Way way() {
      return new ChangeSet.Way(
          ChangeSet.Way.Kind.DELTA, "no row was written or removed since the base");
    }
  }

  /**
   * Some keys are compared.
   *
   * @param rows how many rows there are
   * @param shape reads the rows that were written since the base, and those of held keys
   * @param absent a subquery: the keys that are looked at and have no row, in our columns
   * @param written how many rows were written since the base
   * @param held how many keys are held
   * @param removed how many synced keys have no row any more
   * @param arrivals how many of the keys must be new, so that {@code removed} is right; null if
   *     they have been looked up
   */
  record Some(
      long rows,
      ModelShape shape,
      SqlPart absent,
      long written,
      long held,
      long removed,
      @Nullable Long arrivals)
      implements DeltaWay {
    /**
     * Whether a plan bears this out; else {@link DeltaScan#lookUp} tells what was removed.
     *
     * @param arrived rows of it whose keys are not synced, or were gone
     */
    public boolean isBorneOut(long arrived) {
      return arrivals == null || arrivals == arrived;
    }

    @Override
    public ChangeSet.Way way() {
      return new ChangeSet.Way(
          ChangeSet.Way.Kind.DELTA,
          "since the base %s rows were written and %s removed; %s keys are held"
              .formatted(written, removed, held));
    }
  }
}
