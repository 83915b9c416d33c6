/**
 * What travels in PostgreSQL's binary COPY, one column at a time: {@link
 * io.fulmar.internal.type.ColumnKind} turns the image of a value into a Java value or into
 * PostgreSQL's text, {@link io.fulmar.internal.type.KeyImage} into the normal form that identifies
 * a key, and {@link io.fulmar.internal.type.RowImage} into the canonical form that rows are
 * compared by. Entry type: {@code ColumnKind}.
 */
@NullMarked
package io.fulmar.internal.type;

import org.jspecify.annotations.NullMarked;
