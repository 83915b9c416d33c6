package io.fulmar.internal.dbt;

import org.jspecify.annotations.Nullable;

/**
 * What a manifest says of one node, as far as a model needs it. Immutable.
 *
 * @param uniqueId {@code model.shop.customers}, of a version {@code model.shop.customers.v2}
 * @param name {@code customers}
 * @param resourceType {@code model}, {@code seed}, {@code snapshot}, {@code test} ...
 * @param database of its relation
 * @param schema of its relation
 * @param alias of its relation
 * @param relationName as dbt writes its relation in SQL
 * @param materialized how it is kept: {@code table}, {@code ephemeral} ...
 * @param version of a model that has several
 * @param latestVersion the one that its name alone means
 * @param compiled its SQL, if it was compiled
 * @param language {@code sql} or {@code python}
 * @param disabled whether it is switched off
 */
record DbtNode(
    String uniqueId,
    @Nullable String name,
    @Nullable String resourceType,
    @Nullable String database,
    @Nullable String schema,
    @Nullable String alias,
    @Nullable String relationName,
    @Nullable String materialized,
    @Nullable String version,
    @Nullable String latestVersion,
    @Nullable String compiled,
    @Nullable String language,
    boolean disabled) {

  /** Whether rows come out of it: a model, a seed or a snapshot. */
  boolean isRelation() {
    return "model".equals(resourceType)
        || "seed".equals(resourceType)
        || "snapshot".equals(resourceType);
  }

  /** Whether it has no versions, or is the one that its name alone means. */
  boolean isLatest() {
    return version == null || version.equals(latestVersion);
  }
}
