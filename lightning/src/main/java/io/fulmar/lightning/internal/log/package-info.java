/** The sync logs in the audit schema. */
@NullMarked
package io.fulmar.lightning.internal.log;

import org.jspecify.annotations.NullMarked;
