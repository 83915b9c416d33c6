package io.fulmar.lightning.internal.delta;

import io.fulmar.ChangeSet;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.SqlPart;

/** How the changes of a plan are to be found. */
public sealed interface DeltaWay {
  /** What is known of the keys that are looked at. */
  enum Keys {
    /** It is known how many of them are new. */
    LOOKED_UP,
    /**
     * There are as many rows as synced keys. If the plan has no new key, none was removed; else
     * {@link DeltaScan#lookUp} finds what was.
     */
    EXPECTED
  }

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
   * @param keys whether that is known
   */
  record Some(
      long rows, ModelShape shape, SqlPart absent, long written, long held, long removed, Keys keys)
      implements DeltaWay {
    @Override
    public ChangeSet.Way way() {
      return new ChangeSet.Way(
          ChangeSet.Way.Kind.DELTA,
          "since the base %s rows were written and %s removed; %s keys are held"
              .formatted(written, removed, held));
    }
  }
}
