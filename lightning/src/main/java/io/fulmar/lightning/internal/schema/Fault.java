package io.fulmar.lightning.internal.schema;

/**
 * Something about a schema or what lies there that stands in the way. Immutable.
 *
 * @param fact what it is, without a full stop
 * @param remedy what mends it, without a full stop
 */
public record Fault(String fact, String remedy) {}
