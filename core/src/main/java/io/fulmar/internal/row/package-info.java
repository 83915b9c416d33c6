/**
 * Rows as destinations see them: {@link io.fulmar.internal.row.RecordBinder} makes records of them.
 */
@NullMarked
package io.fulmar.internal.row;

import org.jspecify.annotations.NullMarked;
