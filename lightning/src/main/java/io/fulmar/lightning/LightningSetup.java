package io.fulmar.lightning;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SetupSql;
import io.fulmar.lightning.internal.schema.SetupSql.Variant;
import java.util.Objects;

/**
 * The SQL by which an administrator gives a role the two schemas that Lightning writes to, and
 * takes them away: one for what destinations have accepted (the planner schema), one for the sync
 * logs (the audit schema). Fulmar runs none of it. What the role may read comes from {@link
 * io.fulmar.Source#roleSql}. Immutable.
 *
 * <pre>{@code
 * String sql = LightningSetup.of("fulmar").setupSql();
 * }</pre>
 */
public final class LightningSetup {
  private final Identifier role;
  private final Schemas schemas;
  private final Variant variant;

  private LightningSetup(Identifier role, Schemas schemas, Variant variant) {
    this.role = role;
    this.schemas = schemas;
    this.variant = variant;
  }

  /**
   * Schemas of the default names, {@code fulmar_planner} and {@code fulmar_audit}, that are made by
   * whoever runs the SQL and belong to him.
   *
   * @param role who gets USAGE and CREATE there, as the catalog has the name, 1 to 63 bytes
   * @throws IllegalArgumentException if it is no name
   */
  public static LightningSetup of(String role) {
    Identifier.check("role", Objects.requireNonNull(role, "role"));
    if (role.equals("public")) {
      throw new IllegalArgumentException(
          "role must be that of Fulmar, is public: PostgreSQL takes that for everybody, also in quotes");
    }
    return new LightningSetup(Identifier.of(role), Schemas.DEFAULT, Variant.CREATED);
  }

  /**
   * Other names, to be given to the engine as well.
   *
   * @param planner of the planner schema, 1 to 63 bytes
   * @param audit of the audit schema, 1 to 63 bytes, another name; each planner schema needs one of
   *     its own
   * @throws IllegalArgumentException if one is no name, or both are the same
   */
  public LightningSetup schemas(String planner, String audit) {
    Schemas named =
        new Schemas(
            Objects.requireNonNull(planner, "planner"), Objects.requireNonNull(audit, "audit"));
    return new LightningSetup(role, named, variant);
  }

  /**
   * The schemas are made and belong to the role, which may then drop them, too.
   *
   * @throws IllegalStateException if the schemas were said to exist
   */
  public LightningSetup ownedByRole() {
    return with(Variant.OWNED);
  }

  /**
   * The schemas are there, made for another tool perhaps ({@code hightouch_planner}, {@code
   * hightouch_audit}); they are granted, and stay when Fulmar's tables are taken away.
   *
   * @throws IllegalStateException if the schemas were said to belong to the role
   */
  public LightningSetup existingSchemas() {
    return with(Variant.EXISTING);
  }

  private LightningSetup with(Variant value) {
    if (variant != Variant.CREATED && variant != value) {
      throw new IllegalStateException(
          "ownedByRole() and existingSchemas() exclude each other: the role owns what is made for it");
    }
    return new LightningSetup(role, schemas, value);
  }

  /** The statements that set up, to be run once in the source's database. */
  public String setupSql() {
    return SetupSql.setup(variant, schemas, role);
  }

  /**
   * The statements that take away Fulmar's tables and views, which are known by their comments, and
   * then the schemas; or, for schemas that were there, the grants. They are one transaction, so
   * that everything stays if something of others is in the schemas or depends on a table.
   * Afterwards nothing is known of what destinations have accepted.
   */
  public String teardownSql() {
    return SetupSql.teardown(variant, schemas, role);
  }
}
