package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlScript;
import io.fulmar.internal.sql.SqlTemplate;

/** The SQL by which an administrator gives Fulmar its schemas, and takes them away. */
public final class SetupSql {
  private static final SqlTemplate CREATED = resource("setup.sql", "planner", "audit", "role");
  private static final SqlTemplate OWNED = resource("setup-owned.sql", "planner", "audit", "role");
  private static final SqlTemplate EXISTING =
      resource("setup-existing.sql", "planner", "audit", "role");
  private static final SqlTemplate DROP_TABLES =
      resource("teardown-tables.sql", "planner", "audit");
  private static final SqlTemplate DROP_SCHEMAS =
      resource("teardown-schemas.sql", "planner", "audit");
  private static final SqlTemplate REVOKE =
      resource("teardown-grants.sql", "planner", "audit", "role");

  /** Where the schemas come from. */
  public enum Variant {
    /** They are made, and belong to who makes them. */
    CREATED,
    /** They are made, and belong to the role. */
    OWNED,
    /** They are there. */
    EXISTING
  }

  private SetupSql() {}

  /** The statements that set up. */
  public static String setup(Variant variant, Schemas schemas, Identifier role) {
    SqlTemplate template =
        switch (variant) {
          case CREATED -> CREATED;
          case OWNED -> OWNED;
          case EXISTING -> EXISTING;
        };
    return SqlScript.text(named(template, schemas).with("role", role));
  }

  /** The statements that take away. */
  public static String teardown(Variant variant, Schemas schemas, Identifier role) {
    SqlTemplate last =
        variant == Variant.EXISTING
            ? named(REVOKE, schemas).with("role", role)
            : named(DROP_SCHEMAS, schemas);
    return SqlScript.text(named(DROP_TABLES, schemas)).concat(SqlScript.text(last));
  }

  private static SqlTemplate named(SqlTemplate template, Schemas schemas) {
    return template
        .with("planner", Identifier.of(schemas.planner()))
        .with("audit", Identifier.of(schemas.audit()));
  }

  private static SqlTemplate resource(String name, String... tokens) {
    return SqlScript.read(name, SetupSql.class.getResourceAsStream(name), tokens);
  }
}
