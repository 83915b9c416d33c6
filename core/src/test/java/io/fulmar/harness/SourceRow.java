package io.fulmar.harness;

import org.jspecify.annotations.Nullable;

/**
 * A row of the source: a text column {@code k}, the key, and a text column {@code v}.
 *
 * @param key the key; may be NULL, and may occur more than once
 * @param content the rest of the row
 */
public record SourceRow(@Nullable String key, String content) {}
