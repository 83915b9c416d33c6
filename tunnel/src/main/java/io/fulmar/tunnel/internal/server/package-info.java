/**
 * The accepting end of reverse tunnels, on Apache MINA SSHD. {@link MinaListener} listens; nothing
 * outside this package names a class of that library, which is optional.
 */
@NullMarked
package io.fulmar.tunnel.internal.server;

import org.jspecify.annotations.NullMarked;
