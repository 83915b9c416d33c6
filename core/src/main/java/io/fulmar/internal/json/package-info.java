/**
 * Rows as JSON, for the destinations that write it: {@link io.fulmar.internal.json.RowJson}. Needs
 * jackson-core, which is optional.
 */
@NullMarked
package io.fulmar.internal.json;

import org.jspecify.annotations.NullMarked;
