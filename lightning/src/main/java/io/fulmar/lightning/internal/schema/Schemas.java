package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.Identifier;

/**
 * The two schemas of the engine, and the names of the tables that all syncs share. Immutable.
 *
 * @param planner name of the schema with the state
 * @param audit name of the schema with the sync logs
 */
public record Schemas(String planner, String audit) {
  /** The names that are used unless others are given. */
  public static final Schemas DEFAULT = new Schemas("fulmar_planner", "fulmar_audit");

  /**
   * Checks the names.
   *
   * @throws IllegalArgumentException if one is no name, or both are the same
   */
  public Schemas {
    Identifier.check("planner schema", planner);
    Identifier.check("audit schema", audit);
    if (planner.equals("$user") || audit.equals("$user")) {
      throw new IllegalArgumentException(
          "planner and audit schema must not be $user, which a search path takes for the role's name");
    }
    if (planner.equals(audit)) {
      throw new IllegalArgumentException(
          "planner and audit schema must differ, both are given as the same");
    }
  }

  /** What is known of each sync besides its keys. */
  public Identifier syncs() {
    return of(SharedTables.SYNCS);
  }

  /** Who may run which sync. */
  public Identifier leases() {
    return of(SharedTables.LEASES);
  }

  /** The plans that are durable, all but their changes. */
  public Identifier plans() {
    return of(SharedTables.PLANS);
  }

  /** The number of the newest run of all. */
  public Identifier numbers() {
    return of(SharedTables.NUMBERS);
  }

  /** The tables of one sync. */
  public SyncTables tables(long slot) {
    return new SyncTables(this, slot);
  }

  /** A table of the audit schema. */
  public Identifier log(String table) {
    return Identifier.of(audit, table);
  }

  /** A table of the planner schema. */
  public Identifier of(String table) {
    return Identifier.of(planner, table);
  }
}
