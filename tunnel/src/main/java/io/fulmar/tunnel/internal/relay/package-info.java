/** Carries bytes between sockets of this machine and channels of an SSH connection. */
@NullMarked
package io.fulmar.tunnel.internal.relay;

import org.jspecify.annotations.NullMarked;
