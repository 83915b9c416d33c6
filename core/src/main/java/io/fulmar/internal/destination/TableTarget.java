package io.fulmar.internal.destination;

import io.fulmar.Source;
import io.fulmar.internal.sql.Identifier;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which table is written to, and how: the settings of a {@link io.fulmar.PostgresDestination}.
 *
 * @param source where the table is
 * @param schema its schema
 * @param table its name
 * @param sequenceColumn where {@code Change.sequence()} is kept; null for nowhere
 * @param tombstoneTable what remembers deleted keys, in the same schema
 * @param keepTombstones for how long
 * @param columnTypes what a missing table is made of, in this order; null to make nothing
 * @param clearColumns what is cleared; null for every column but key and sequence
 * @param joined whether it is written in the transactions of the state, and in no others
 */
public record TableTarget(
    Source source,
    String schema,
    String table,
    @Nullable String sequenceColumn,
    String tombstoneTable,
    Duration keepTombstones,
    @Nullable Map<String, String> columnTypes,
    @Nullable List<String> clearColumns,
    boolean joined) {

  Identifier identifier() {
    return Identifier.of(schema, table);
  }

  Identifier tombstones() {
    return Identifier.of(schema, tombstoneTable);
  }
}
