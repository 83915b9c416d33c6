/**
 * What PostgreSQL says of rows in few bytes: {@link io.fulmar.internal.hash.RowHash} is the version
 * of a row as an expression, {@link io.fulmar.internal.hash.RowSum} what all rows add up to.
 */
@NullMarked
package io.fulmar.internal.hash;

import org.jspecify.annotations.NullMarked;
