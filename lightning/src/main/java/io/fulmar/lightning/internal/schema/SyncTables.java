package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.Identifier;

/**
 * The names of the tables of one sync; they never change while it lives. Immutable.
 *
 * @param schemas where they are
 * @param slot number of the sync
 */
public record SyncTables(Schemas schemas, long slot) {
  /**
   * How many plans of a sync can exist: one that is kept, one that is delivered, one in the making.
   */
  public static final int PLANS = 3;

  /**
   * What has been accepted: the columns {@code k0, k1 ...} of the key, {@code hash}, {@code
   * gone_since}, and {@code r0, r1 ...} for what is remembered. Primary key: the key's columns.
   *
   * @param generation 0 or 1: a state that is built anew takes the other
   */
  public Identifier state(int generation) {
    return schemas.of(stateName(generation));
  }

  /** The name of {@link #state} without its schema. */
  public String stateName(int generation) {
    return "s" + slot + "_state_" + generation;
  }

  /**
   * What else is remembered of keys: {@code k0 ...}, {@code kind}, {@code version}, {@code
   * attempts}, {@code first_at}, {@code planned_by}, {@code planned_as}, {@code change_id}, {@code
   * unsure}, {@code code}, {@code message}, {@code until}. Primary key: the key's columns.
   */
  public Identifier holds() {
    return schemas.of(holdsName());
  }

  /** The name of {@link #holds} without its schema. */
  public String holdsName() {
    return "s" + slot + "_holds";
  }

  /** Reservations and answers of the run that delivers. */
  public Identifier ledger() {
    return schemas.of(ledgerName());
  }

  /** The name of {@link #ledger} without its schema. */
  public String ledgerName() {
    return "s" + slot + "_ledger";
  }

  /**
   * The changes of a plan.
   *
   * @param place 0 to {@link #PLANS} - 1
   */
  public Identifier plan(int place) {
    return schemas.of(planName(place));
  }

  /** The name of {@link #plan} without its schema. */
  public String planName(int place) {
    return "s" + slot + "_plan_" + place;
  }

  /** Keys that occur more than once; exists only within the transaction that makes a plan. */
  public Identifier duplicates() {
    return schemas.of("s" + slot + "_duplicates");
  }

  /** The rows of the model under two hashes, while what another engine remembers is taken over. */
  public Identifier movedVersions() {
    return schemas.of("s" + slot + "_moved_versions");
  }

  /** What another engine remembers, while it is taken over. */
  public Identifier movedEntries() {
    return schemas.of("s" + slot + "_moved_entries");
  }
}
