// Package setting describes settings. A Row says once what a setting is called, in which field its value lies, what it is by
// default, which values make sense and what it means. Flags, configuration files, help, defaults and checks all follow:
//
//	func (c *Config) Settings() []setting.Row {
//		return []setting.Row{
//			setting.New("tau", &c.Tau, 0.1, setting.Above(0), "temperature of the loss"),
//		}
//	}
//
// Rows point into the Config that made them, and are as good as pointers to it. A recipe is a set of defaults.
package setting
