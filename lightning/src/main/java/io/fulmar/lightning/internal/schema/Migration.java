package io.fulmar.lightning.internal.schema;

import java.util.List;
import java.util.function.Function;

/**
 * Makes tables of one format into those of the next, all in one transaction. Immutable.
 *
 * @param from the format that it finds; it leaves the next
 * @param statements what it runs
 */
record Migration(int from, Function<Schemas, List<String>> statements) {}
