/** The near end of a reverse tunnel: an SSH server listens, and this side carries. */
@NullMarked
package io.fulmar.tunnel.internal.reverse;

import org.jspecify.annotations.NullMarked;
