/**
 * What becomes of a model's rows on their way to a destination: {@link
 * io.fulmar.internal.mapping.RowMapper} applies a {@link io.fulmar.Mapping}, {@link
 * io.fulmar.internal.mapping.UsedColumns} says what has to be read for it.
 */
@NullMarked
package io.fulmar.internal.mapping;

import org.jspecify.annotations.NullMarked;
