/** Taking over what the standard engine remembers. */
@NullMarked
package io.fulmar.lightning.internal.move;

import org.jspecify.annotations.NullMarked;
