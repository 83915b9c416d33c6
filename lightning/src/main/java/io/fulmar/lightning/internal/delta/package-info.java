/** Finding out what was written since the last plan without comparing the rest. */
@NullMarked
package io.fulmar.lightning.internal.delta;

import org.jspecify.annotations.NullMarked;
