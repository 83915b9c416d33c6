/**
 * One SSH connection and the channels in it, on sshj. {@link
 * io.fulmar.tunnel.internal.ssh.SshSession} is where to begin.
 */
@NullMarked
package io.fulmar.tunnel.internal.ssh;

import org.jspecify.annotations.NullMarked;
