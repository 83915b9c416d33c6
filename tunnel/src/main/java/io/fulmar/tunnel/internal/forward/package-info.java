/** What a tunnel is used through on this side: sockets for a driver, a port for other tools. */
@NullMarked
package io.fulmar.tunnel.internal.forward;

import org.jspecify.annotations.NullMarked;
