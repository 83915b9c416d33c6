/**
 * The delta scan: of a table, only rows are compared that were written since an earlier plan, when
 * nothing speaks against it. {@link io.fulmar.lightning.internal.delta.DeltaScan} decides.
 */
@NullMarked
package io.fulmar.lightning.internal.delta;

import org.jspecify.annotations.NullMarked;
