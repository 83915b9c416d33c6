/**
 * SSH servers to test tunnels with: {@link io.fulmar.testkit.ssh.TestSshServer} is the only type.
 * Needs Apache MINA SSHD on the path of the tests.
 */
@NullMarked
package io.fulmar.testkit.ssh;

import org.jspecify.annotations.NullMarked;
